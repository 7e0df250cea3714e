package main

import (
	"fmt"
	"runtime/debug"

	"github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/kubeflow/pipelines/backend/src/apiserver/config/proxy"
	"github.com/kubeflow/pipelines/backend/src/apiserver/model"
	"github.com/kubeflow/pipelines/backend/src/apiserver/template"
	"github.com/kubeflow/pipelines/backend/src/common/util"
)

const argo = "github.com/argoproj/argo-workflows/v4"

// compiled returns the valid Argo workflow that a run of the pipeline is.
//
// The steps are those of CreateRun in backend/src/apiserver/resource/resource_manager.go, with a server's defaults.
func compiled(text []byte) (*v1alpha1.Workflow, error) {
	proxy.InitializeConfig("", "", "")
	read, err := template.New(text, template.TemplateOptions{})
	if err != nil {
		return nil, fmt.Errorf("by Kubeflow, which reads it: %w", err)
	}
	run := &model.Run{DisplayName: "run", Namespace: "kubeflow"}
	made, err := read.RunWorkflow(run, template.RunWorkflowOptions{RunID: "00000000-0000-4000-8000-000000000000"})
	if err != nil {
		return nil, fmt.Errorf("by Kubeflow, which compiles it: %w", err)
	}
	// Not as lint, which lets workflows pass that cannot be submitted.
	if err := made.Validate(false, false); err != nil {
		return nil, fmt.Errorf("by Argo, which validates the workflow: %w", err)
	}
	workflow, ok := made.(*util.Workflow)
	if !ok {
		return nil, fmt.Errorf("by this program: expected an Argo workflow. Received: %T", made)
	}
	return workflow.Workflow, nil
}

// told returns in a line what arrived in the workflow, so that what was left behind on the way is seen.
func told(workflow *v1alpha1.Workflow) string {
	return fmt.Sprintf(
		"%d containers, %d with settings for Kubernetes, %d with retries, by Argo Workflows %s",
		tasksWith(workflow, "pod-spec-patch"),
		tasksWith(workflow, "kubernetes-config"),
		tasksWith(workflow, "retry-max-count"),
		argoVersion(),
	)
}

// tasksWith counts the tasks that are handed a parameter. Source: paramPodSpecPatch and its like in
// backend/src/v2/compiler/argocompiler/argo.go.
func tasksWith(workflow *v1alpha1.Workflow, parameter string) int {
	count := 0
	for _, task := range workflow.GetTemplateByName("root").DAG.Tasks {
		if task.Arguments.GetParameterByName(parameter) != nil {
			count++
		}
	}
	return count
}

func argoVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of an unknown version"
	}
	for _, module := range info.Deps {
		if module.Path != argo {
			continue
		}
		if by := module.Replace; by != nil {
			return fmt.Sprintf("%s, replaced by %s %s", module.Version, by.Path, by.Version)
		}
		return module.Version
	}
	return "of an unknown version"
}
