package stack

import (
	"cmp"
	"path"
	"slices"
	"strconv"

	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// targets returns what the builder has to build.
func targets(plan *sam.Plan) []builder.Target {
	var list []builder.Target
	for _, f := range running(plan) {
		t := builder.Target{
			Name:        f.Name,
			LogicalID:   path.Base(f.LogicalID), // in its own template
			Dir:         cmp.Or(f.SourceDir, f.CodeURI),
			Method:      f.BuildMethod,
			MakefileDir: f.MakefileDir,
			WorkingDir:  f.WorkingDir,
			Arch:        "amd64",
			Properties:  make(map[string]any),
		}
		if slices.Contains(f.Architectures, "arm64") {
			t.Arch = "arm64"
		}
		if t.Method == "" {
			t.Method = builder.MethodGo // only Go programs can be built without a Makefile
		}
		for name, text := range f.BuildProperties {
			t.Properties[name] = text
			if b, err := strconv.ParseBool(text); err == nil {
				t.Properties[name] = b
			}
		}
		list = append(list, t)
	}
	return list
}
