package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kubeflow/pipelines/api/v2alpha1/go/pipelinespec"
	"github.com/kubeflow/pipelines/kubernetes_platform/go/kubernetesplatform"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"gopkg.in/yaml.v3"
)

// closed refuses what Kubeflow reads past without a word: a document that is neither a spec nor for Kubernetes, unknown
// fields of executors, and settings of an executor that is not there. A volume in any of these is never mounted.
func closed(text []byte) error {
	documents, err := split(text)
	if err != nil {
		return err
	}
	if len(documents) == 0 || len(documents) > 2 {
		return fmt.Errorf("expected a spec and at most one document for its platform. Received: %d documents", len(documents))
	}
	var spec pipelinespec.PipelineSpec
	if err := strictly("spec", documents[0], &spec); err != nil {
		return err
	}
	var deployment pipelinespec.PipelineDeploymentConfig
	if err := again("deploymentSpec", spec.GetDeploymentSpec(), &deployment); err != nil {
		return err
	}
	if len(documents) == 1 {
		return nil
	}
	var platform pipelinespec.PlatformSpec
	if err := strictly("platform document", documents[1], &platform); err != nil {
		return err
	}
	return closedPlatform(&platform, deployment.GetExecutors())
}

func closedPlatform(
	platform *pipelinespec.PlatformSpec,
	executors map[string]*pipelinespec.PipelineDeploymentConfig_ExecutorSpec,
) error {
	names := slices.Sorted(maps.Keys(platform.GetPlatforms()))
	if !slices.Equal(names, []string{"kubernetes"}) {
		return fmt.Errorf("platforms: expected kubernetes alone. Received: %q", names)
	}
	configured := platform.GetPlatforms()["kubernetes"].GetDeploymentSpec().GetExecutors()
	for _, label := range slices.Sorted(maps.Keys(configured)) {
		if _, known := executors[label]; !known {
			known := strings.Join(slices.Sorted(maps.Keys(executors)), ", ")
			return fmt.Errorf("platform document: no executor %q in the spec. Executors: %s", label, known)
		}
		var config kubernetesplatform.KubernetesExecutorConfig
		if err := again("platform document, "+label, configured[label], &config); err != nil {
			return err
		}
	}
	return nil
}

// split returns each YAML document as JSON.
func split(text []byte) ([][]byte, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var documents [][]byte
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		asJSON, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		documents = append(documents, asJSON)
	}
}

// strictly reads JSON into a message; unknown fields are errors.
func strictly(where string, asJSON []byte, into proto.Message) error {
	if err := protojson.Unmarshal(asJSON, into); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// again reads a message of any fields as one of known fields.
func again(where string, from, into proto.Message) error {
	asJSON, err := protojson.Marshal(from)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return strictly(where, asJSON, into)
}
