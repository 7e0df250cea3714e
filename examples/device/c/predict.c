/* Checks a device model's golden rows against LiteRT's C library, and measures one row's latency.
 *
 *   predict MODEL.ids.tflite ROWS.txt [RUNS]
 *
 * Ends with 0 if all rows agree, 1 if one does not, 2 if something cannot be read or run.
 */
#define _POSIX_C_SOURCE 199309L

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"
#include "rows.h"

enum { AGREES = 0, DIFFERS = 1, FAILED = 2 };
enum { DEFAULT_RUNS = 2000, MOST_RUNS = 1000000 };

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

/* The largest difference of one row's scores from those expected; infinite where one of them is not a number. */
static float difference(const float *scores, const float *expected, size_t count) {
  float largest = 0;
  for (size_t index = 0; index < count; index++) {
    float found = fabsf(scores[index] - expected[index]);
    if (!(found <= largest)) largest = isnan(found) ? INFINITY : found;
  }
  return largest;
}

static int check(Model *model, const Rows *rows, float *scores) {
  size_t agreeing = 0;
  float largest = 0;
  for (size_t row = 0; row < rows->rows; row++) {
    if (!answer(model, &rows->values[row * rows->inputs], scores)) return FAILED;
    const float *expected = &rows->expected[row * rows->outputs];
    float found = difference(scores, expected, rows->outputs);
    if (found > largest) largest = found;
    if (found <= rows->tolerance) {
      agreeing++;
    } else {
      printf("row %zu: %.9g instead of %.9g\n", row + 1, (double)scores[0], (double)expected[0]);
    }
  }
  printf("golden rows: %zu of %zu agree, largest difference %g (%g allowed)\n", agreeing, rows->rows, (double)largest,
         (double)rows->tolerance);
  return agreeing == rows->rows ? AGREES : DIFFERS;
}

static int time_rows(Model *model, const Rows *rows, float *scores, size_t runs) {
  double *times = calloc(runs, sizeof *times);
  if (!times) return FAILED;
  int done = 1;
  for (size_t run = 0; done && run < runs; run++) {
    double start = microseconds();
    done = answer(model, &rows->values[(run % rows->rows) * rows->inputs], scores);
    times[run] = microseconds() - start;
  }
  if (done) {
    qsort(times, runs, sizeof *times, ascending);
    printf("latency of one row: median %.1f us, 95th percentile %.1f us, %zu runs\n", times[runs / 2],
           times[runs * 95 / 100], runs);
  }
  free(times);
  return done ? AGREES : FAILED;
}

static long read_runs(const char *word) {
  char *end;
  long runs = strtol(word, &end, 10);
  return *end == '\0' && runs >= 1 && runs <= MOST_RUNS ? runs : 0;
}

int main(int count, char **arguments) {
  long runs = count == 4 ? read_runs(arguments[3]) : DEFAULT_RUNS;
  if (count < 3 || count > 4 || runs == 0) {
    fprintf(stderr, "usage: %s MODEL.ids.tflite ROWS.txt [RUNS, 1 to %d]\n", arguments[0], MOST_RUNS);
    return FAILED;
  }
  Rows rows;
  Model model = {0};
  float *scores = NULL;
  int found = FAILED;
  if (read_rows(arguments[2], &rows) && open_model(arguments[1], &rows, &model)) {
    scores = calloc(rows.outputs, sizeof *scores);
    found = scores ? check(&model, &rows, scores) : FAILED;
    if (found != FAILED && time_rows(&model, &rows, scores, (size_t)runs) == FAILED) found = FAILED;
  }
  free(scores);
  close_model(&model);
  free_rows(&rows);
  return found;
}
