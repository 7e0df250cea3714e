#include "rows.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

/* The next word of the file as a whole number from 0 to MOST, or -1. */
static long read_count(FILE *file) {
  char word[32], *end;
  if (fscanf(file, "%31s", word) != 1) return -1;
  long count = strtol(word, &end, 10);
  return *end == '\0' && count >= 0 && count <= MOST ? count : -1;
}

/* "nan" is a number: it stands for a missing one. */
static int read_float(FILE *file, float *number) {
  char word[64], *end;
  if (fscanf(file, "%63s", word) != 1) return 0;
  *number = strtof(word, &end);
  return end != word && *end == '\0';
}

static int read_integer(FILE *file, int32_t *integer) {
  char word[32], *end;
  if (fscanf(file, "%31s", word) != 1) return 0;
  errno = 0;
  long value = strtol(word, &end, 10);
  *integer = (int32_t)value;
  return end != word && *end == '\0' && errno == 0 && value >= INT32_MIN && value <= INT32_MAX;
}

static int expect(FILE *file, const char *word) {
  char found[32];
  return fscanf(file, "%31s", found) == 1 && strcmp(found, word) == 0;
}

static int read_columns(FILE *file, Rows *rows) {
  for (size_t index = 0; index < rows->inputs; index++) {
    char type[16];
    if (fscanf(file, "%127s %15s", rows->columns[index].name, type) != 2) return 0;
    rows->columns[index].is_number = strcmp(type, "float32") == 0;
    if (!rows->columns[index].is_number && strcmp(type, "int32") != 0) return 0;
  }
  return 1;
}

static int read_values(FILE *file, Rows *rows) {
  for (size_t row = 0; row < rows->rows; row++) {
    for (size_t input = 0; input < rows->inputs; input++) {
      Value *value = &rows->values[row * rows->inputs + input];
      int is_number = rows->columns[input].is_number;
      if (!(is_number ? read_float(file, &value->number) : read_integer(file, &value->integer))) return 0;
    }
    for (size_t output = 0; output < rows->outputs; output++) {
      if (!read_float(file, &rows->expected[row * rows->outputs + output])) return 0;
    }
  }
  return 1;
}

static int read_sizes(FILE *file, Rows *rows) {
  long inputs = expect(file, "inputs") ? read_count(file) : -1;
  long outputs = expect(file, "outputs") ? read_count(file) : -1;
  long count = expect(file, "rows") ? read_count(file) : -1;
  if (inputs < 1 || outputs < 1 || count < 1) return 0;
  rows->inputs = (size_t)inputs, rows->outputs = (size_t)outputs, rows->rows = (size_t)count;
  if (!expect(file, "tolerance") || !read_float(file, &rows->tolerance)) return 0;
  rows->columns = calloc(rows->inputs, sizeof *rows->columns);
  rows->values = calloc(rows->rows * rows->inputs, sizeof *rows->values);
  rows->expected = calloc(rows->rows * rows->outputs, sizeof *rows->expected);
  return rows->columns && rows->values && rows->expected;
}

int read_rows(const char *path, Rows *rows) {
  memset(rows, 0, sizeof *rows);
  FILE *file = fopen(path, "r");
  if (!file) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 0;
  }
  int whole = read_sizes(file, rows) && read_columns(file, rows) && read_values(file, rows);
  fclose(file);
  if (!whole) fprintf(stderr, "%s: not a whole file of golden rows, as make_rows.py writes it\n", path);
  return whole;
}

void free_rows(Rows *rows) {
  free(rows->columns), free(rows->values), free(rows->expected);
  memset(rows, 0, sizeof *rows);
}
