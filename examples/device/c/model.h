/* A LiteRT model in its ids form, loaded once and asked row by row. */
#ifndef MODEL_H_
#define MODEL_H_

#include "litert.h"
#include "rows.h"

typedef struct {
  LiteRtEnvironment environment;
  LiteRtModel file;
  LiteRtOptions options;
  LiteRtCompiledModel compiled;
  LiteRtSignature signature;
  size_t num_inputs, num_outputs; /* the latter: numbers that it answers a row */
  size_t *places;                 /* [num_inputs]: the column of the rows that each input takes */
  LiteRtTensorBuffer *inputs;     /* [num_inputs] */
  LiteRtTensorBuffer output;
} Model;

/* Loads the file, which must take the columns of `rows` one value a row; returns 1, or 0 after a sentence on stderr.
 * close_model is right in either case. */
int open_model(const char *path, const Rows *rows, Model *model);

/* Answers one row: reads [num_inputs] values in the order of the rows' columns, writes [num_outputs] scores. Returns 1,
 * or 0 after a sentence on stderr. */
int answer(Model *model, const Value *row, float *scores);

void close_model(Model *model);

#endif
