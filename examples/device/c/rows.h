/* Golden rows, as make_rows.py writes them: what a model is given, and what it answered when it was released. */
#ifndef ROWS_H_
#define ROWS_H_

#include <stddef.h>
#include <stdint.h>

enum { NAME_BYTES = 128 };

/* One number as the model takes it: four bytes, whose type is the column's. */
typedef union {
  int32_t integer;
  float number;
} Value;

typedef struct {
  char name[NAME_BYTES];
  int is_number; /* 1 for float32, 0 for int32 */
} Column;

typedef struct {
  size_t inputs, outputs, rows;
  float tolerance;   /* largest difference that agrees */
  Column *columns;   /* [inputs] */
  Value *values;     /* [rows, inputs] */
  float *expected;   /* [rows, outputs] */
} Rows;

/* Reads a file; returns 1, or 0 after a sentence on stderr. free_rows is right in either case. */
int read_rows(const char *path, Rows *rows);
void free_rows(Rows *rows);

#endif
