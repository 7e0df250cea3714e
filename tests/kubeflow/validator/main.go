// Takes a compiled pipeline as the API server of Kubeflow Pipelines takes a run of it: reads it, compiles it into an
// Argo workflow and has Argo validate that. It asks no cluster. Exit code: 0 accepted, 1 refused, 2 misuse.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(arguments []string, stdout, stderr io.Writer) int {
	if len(arguments) != 1 {
		fmt.Fprintln(stderr, "usage: validator PIPELINE.yaml")
		return 2
	}
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if err := closed(text); err != nil {
		fmt.Fprintf(stderr, "refused: %v\n", err)
		return 1
	}
	workflow, err := compiled(text)
	if err != nil {
		fmt.Fprintf(stderr, "refused: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "accepted: %s\n", told(workflow))
	return 0
}
