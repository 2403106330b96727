package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// lacks returns the parts that an entry lacks.
func lacks(t *resource.Type, all map[string]*resource.Type) []string {
	var parts []string
	need := func(ok bool, part string) {
		if !ok {
			parts = append(parts, part)
		}
	}
	isSAM := strings.HasPrefix(t.Name, "AWS::Serverless::") || t.Name == expand.GlobalTableType
	problem, _ := Problem(t.Name)
	need(problem == "", "a line in services.txt")
	need(t.Shape != nil, "Shape")
	need((t.Expand != nil) == isSAM, "Expand for SAM's types and global tables only")
	need(t.Identify != nil || isSAM && !t.ExpandLast, "Identify")
	if !isSAM {
		need((t.Build != nil) != (t.BuiltBy != ""), "Build or BuiltBy")
	}
	if t.BuiltBy != "" {
		owner := all[t.BuiltBy]
		need(owner != nil && owner.Build != nil, "a type with Build for BuiltBy")
	}
	if n := t.Naming; n != nil {
		need(n.Pattern != nil && n.Max > 0, "Pattern and Max of Naming")
		need(t.Shape != nil && t.Shape.Has(n.Property), "the property of Naming in Shape")
	}
	return parts
}

func TestEntriesAreComplete(t *testing.T) {
	if len(byName) != len(types) {
		t.Errorf("got %d names for %d entries, want as many", len(byName), len(types))
	}
	for _, typ := range types {
		if got := lacks(typ, byName); len(got) > 0 {
			t.Errorf("%s: the entry lacks %s", typ.Name, strings.Join(got, ", "))
		}
		if ignored[typ.Name] != nil {
			t.Errorf("%s: got an entry with and one without effect, want one of them", typ.Name)
		}
	}
}

// The check of the entries finds each missing part.
func TestIncompleteEntriesAreFound(t *testing.T) {
	complete := *byName["AWS::DynamoDB::Table"]
	for want, change := range map[string]func(*resource.Type){
		"a line in services.txt":        func(t *resource.Type) { t.Name = "AWS::DynamoDB::Tables" },
		"Shape":                         func(t *resource.Type) { t.Shape, t.Naming = nil, nil },
		"Identify":                      func(t *resource.Type) { t.Identify = nil },
		"Build or BuiltBy":              func(t *resource.Type) { t.Build = nil },
		"a type with Build for BuiltBy": func(t *resource.Type) { t.Build, t.BuiltBy = nil, "AWS::KMS::Alias" },
		"Expand for SAM's types and global tables only": func(t *resource.Type) {
			t.Expand = func(*resource.Set, *template.Resource, *template.Value) {}
		},
		"Pattern and Max of Naming": func(t *resource.Type) {
			t.Naming = &resource.Naming{Property: "TableName"}
		},
		"the property of Naming in Shape": func(t *resource.Type) { t.Naming = naming("Name", 1, "a") },
	} {
		entry := complete
		change(&entry)
		if got := lacks(&entry, byName); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestIgnoredTypesExist(t *testing.T) {
	for name := range ignored {
		if problem, _ := Problem(name); problem != "" && name != "AWS::Serverless::Generated" {
			t.Errorf("%s: got %q, want a type of CloudFormation", name, problem)
		}
	}
}
