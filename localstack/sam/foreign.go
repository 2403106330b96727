package sam

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/samconfig"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const (
	fromTerraform = "write a SAM template with the same functions and tables; Terraform's files are not read"
	fromCDK       = "run cdk synth and give -template cdk.out/NAME.template.json, " +
		"with a folder of this machine as the Code of each function instead of an asset"
	fromServerless = "write a SAM template with the same functions and tables; its files are not read"
)

// foreign returns an error for a file of another tool that describes
// infrastructure, or nil.
func foreign(path string) *template.Error {
	name := filepath.Base(path)
	problem, remedy := "", ""
	switch {
	case strings.HasSuffix(name, ".tf"), strings.HasSuffix(name, ".tf.json"), strings.HasSuffix(name, ".tofu"):
		problem, remedy = name+" is Terraform, not a SAM template", fromTerraform
	case name == "cdk.json":
		problem, remedy = name+" belongs to an app of the CDK, not to a SAM template", fromCDK
	case slices.Contains([]string{"serverless.yml", "serverless.yaml", "serverless.json"}, name):
		problem, remedy = name+" is a file of the Serverless Framework, not a SAM template", fromServerless
	default:
		return nil
	}
	return &template.Error{File: path, Problem: problem, Remedy: remedy}
}

// noTemplate returns the error for a folder without a template. It names a file
// of another tool if there is one.
func noTemplate(folder, path string, cause error) *template.Error {
	files, _ := os.ReadDir(folder) // the cause says why it cannot be read
	for _, f := range files {
		if e := foreign(filepath.Join(folder, f.Name())); e != nil {
			return e
		}
	}
	return samconfig.Unreadable(path, cause,
		"give the path of a SAM template; its default names are "+strings.Join(defaultNames, ", "))
}
