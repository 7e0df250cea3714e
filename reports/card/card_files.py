"""Names of a model card's two files, by themselves, so that who only copies them loads nothing that draws."""

HTML, MARKDOWN = "model_card.html", "model_card.md"
CARD_FILES = (HTML, MARKDOWN)
