#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step that failed, told by its name and LiteRT's number for the reason. */
static int did(const char *step, LiteRtStatus status) {
  if (status == kLiteRtStatusOk) return 1;
  fprintf(stderr, "%s failed: LiteRT's status %d\n", step, status);
  return 0;
}
#define DID(call) did(#call, call)

static size_t elements(const LiteRtRankedTensorType *type) {
  size_t count = 1;
  for (unsigned int axis = 0; axis < type->layout.rank; axis++) {
    if (type->layout.dimensions[axis] < 1) return 0;
    count *= (size_t)type->layout.dimensions[axis];
  }
  return count;
}

/* Whether the model's input `index` takes the column: one value of its type, under its name. */
static int takes(const Column *column, const char *name, const LiteRtRankedTensorType *type) {
  int expected = column->is_number ? kLiteRtElementTypeFloat32 : kLiteRtElementTypeInt32;
  if (strcmp(column->name, name) == 0 && type->element_type == expected && elements(type) == 1) return 1;
  fprintf(stderr, "input '%s': expected one %s a row, as '%s'. Use the ids form with batch 1.\n", name,
          column->is_number ? "float32" : "int32", column->name);
  return 0;
}

static int open_input(Model *model, const Rows *rows, size_t index) {
  const char *name;
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  if (!DID(LiteRtGetSignatureInputName(model->signature, index, &name))) return 0;
  size_t place = 0;
  while (place < rows->inputs && strcmp(rows->columns[place].name, name) != 0) place++;
  if (place == rows->inputs) {
    fprintf(stderr, "input '%s': the rows have no such column\n", name);
    return 0;
  }
  model->places[index] = place;
  return DID(LiteRtGetSignatureInputTensorByIndex(model->signature, index, &tensor)) &&
         DID(LiteRtGetRankedTensorType(tensor, &type)) && takes(&rows->columns[place], name, &type) &&
         DID(LiteRtGetCompiledModelInputBufferRequirements(model->compiled, 0, index, &needs)) &&
         DID(LiteRtCreateManagedTensorBufferFromRequirements(model->environment, &type, needs, &model->inputs[index]));
}

static int open_output(Model *model, const Rows *rows) {
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  if (!DID(LiteRtGetSignatureOutputTensorByIndex(model->signature, 0, &tensor)) ||
      !DID(LiteRtGetRankedTensorType(tensor, &type)))
    return 0;
  model->num_outputs = elements(&type);
  if (type.element_type != kLiteRtElementTypeFloat32 || model->num_outputs != rows->outputs) {
    fprintf(stderr, "the model gives %zu numbers a row. Expected: %zu of float32\n", model->num_outputs, rows->outputs);
    return 0;
  }
  return DID(LiteRtGetCompiledModelOutputBufferRequirements(model->compiled, 0, 0, &needs)) &&
         DID(LiteRtCreateManagedTensorBufferFromRequirements(model->environment, &type, needs, &model->output));
}

/* Without them LiteRT looks for libraries of GPUs and NPUs, and tells of each step. */
static const LiteRtEnvOption OPTIONS[] = {
    {kLiteRtEnvOptionTagAutoRegisterAccelerators, {kLiteRtAnyTypeInt, {.int_value = kLiteRtHwAcceleratorCpu}}},
    {kLiteRtEnvOptionTagMinLoggerSeverity, {kLiteRtAnyTypeInt, {.int_value = kLiteRtLogSeverityWarning}}},
};

static int compile(const char *path, Model *model) {
  return DID(LiteRtCreateEnvironment(sizeof OPTIONS / sizeof *OPTIONS, OPTIONS, &model->environment)) &&
         DID(LiteRtCreateModelFromFile(model->environment, path, &model->file)) &&
         DID(LiteRtGetModelSignature(model->file, 0, &model->signature)) &&
         DID(LiteRtCreateOptions(&model->options)) &&
         DID(LiteRtSetOptionsHardwareAccelerators(model->options, kLiteRtHwAcceleratorCpu)) &&
         DID(LiteRtCreateCompiledModel(model->environment, model->file, model->options, &model->compiled));
}

int open_model(const char *path, const Rows *rows, Model *model) {
  memset(model, 0, sizeof *model);
  if (!compile(path, model) || !DID(LiteRtGetNumSignatureInputs(model->signature, &model->num_inputs))) return 0;
  if (model->num_inputs != rows->inputs) {
    fprintf(stderr, "%s: takes %zu inputs. The rows have %zu columns\n", path, model->num_inputs, rows->inputs);
    return 0;
  }
  model->inputs = calloc(model->num_inputs, sizeof *model->inputs);
  model->places = calloc(model->num_inputs, sizeof *model->places);
  if (!model->inputs || !model->places) return 0;
  for (size_t index = 0; index < model->num_inputs; index++) {
    if (!open_input(model, rows, index)) return 0;
  }
  return open_output(model, rows);
}

static int copy(LiteRtTensorBuffer buffer, int mode, void *bytes, size_t size) {
  void *address;
  if (!DID(LiteRtLockTensorBuffer(buffer, &address, mode))) return 0;
  if (mode == kLiteRtTensorBufferLockModeWrite) {
    memcpy(address, bytes, size);
  } else {
    memcpy(bytes, address, size);
  }
  return DID(LiteRtUnlockTensorBuffer(buffer));
}

int answer(Model *model, const Value *row, float *scores) {
  for (size_t index = 0; index < model->num_inputs; index++) {
    Value value = row[model->places[index]];
    if (!copy(model->inputs[index], kLiteRtTensorBufferLockModeWrite, &value, sizeof value)) return 0;
  }
  return DID(LiteRtRunCompiledModel(model->compiled, 0, model->num_inputs, model->inputs, 1, &model->output)) &&
         copy(model->output, kLiteRtTensorBufferLockModeRead, scores, model->num_outputs * sizeof *scores);
}

void close_model(Model *model) {
  for (size_t index = 0; model->inputs && index < model->num_inputs; index++) {
    if (model->inputs[index]) LiteRtDestroyTensorBuffer(model->inputs[index]);
  }
  free(model->inputs), free(model->places);
  if (model->output) LiteRtDestroyTensorBuffer(model->output);
  if (model->compiled) LiteRtDestroyCompiledModel(model->compiled);
  if (model->options) LiteRtDestroyOptions(model->options);
  if (model->file) LiteRtDestroyModel(model->file);
  if (model->environment) LiteRtDestroyEnvironment(model->environment);
  memset(model, 0, sizeof *model);
}
