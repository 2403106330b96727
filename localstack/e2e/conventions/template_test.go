package conventions

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// resource is what the tests read of a resource of template.yaml. Intrinsic
// functions are read as their operand.
type resource struct {
	Type                string         `yaml:"Type"`
	DeletionPolicy      string         `yaml:"DeletionPolicy"`
	UpdateReplacePolicy string         `yaml:"UpdateReplacePolicy"`
	Condition           string         `yaml:"Condition"`
	Properties          map[string]any `yaml:"Properties"`
}

// readTemplate reads the repository's template.
func readTemplate(t *testing.T) (resources map[string]resource, globals map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	untag(&node)
	var template struct {
		Resources map[string]resource `yaml:"Resources"`
		Globals   struct {
			Function map[string]any `yaml:"Function"`
		} `yaml:"Globals"`
	}
	if err := node.Decode(&template); err != nil {
		t.Fatal(err)
	}
	return template.Resources, template.Globals.Function
}

// untag removes the tags of intrinsic functions, which the decoder refuses.
func untag(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		n.Tag = ""
	}
	for _, child := range n.Content {
		untag(child)
	}
}

// passing are the tables whose rows live for hours. Their loss ends
// connections, which clients open again.
var passing = []string{"ConnectionsTable", "ListenersTable", "RatesTable"}

// TestTemplateKeepsWhatCannotBeMadeAgain checks that tables with lasting rows
// and the KMS key survive the deletion of the stack, and that the tables refuse
// deletion, can be restored and are encrypted under a key in KMS.
func TestTemplateKeepsWhatCannotBeMadeAgain(t *testing.T) {
	resources, _ := readTemplate(t)
	kept := 0
	for name, r := range resources {
		isTable := r.Type == "AWS::DynamoDB::Table"
		if !isTable && r.Type != "AWS::KMS::Key" {
			continue
		}
		if isTable && r.Properties["SSESpecification"] == nil {
			t.Errorf("%s: got no SSESpecification, want one", name)
		}
		if slices.Contains(passing, name) {
			continue
		}
		kept++
		if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s: got DeletionPolicy %q and UpdateReplacePolicy %q, want Retain for both", name,
				r.DeletionPolicy, r.UpdateReplacePolicy)
		}
		if !isTable {
			continue
		}
		for _, property := range []string{"DeletionProtectionEnabled", "PointInTimeRecoverySpecification"} {
			if r.Properties[property] == nil {
				t.Errorf("%s: got no %s, want one", name, property)
			}
		}
	}
	if want := 6; kept != want {
		t.Errorf("got %d tables and keys that are kept, want %d", kept, want)
	}
}

// TestTemplateBoundsLogsAndAlarms checks that the functions log to a group with
// a retention, and that every alarm notifies the topic of the parameter.
func TestTemplateBoundsLogsAndAlarms(t *testing.T) {
	resources, function := readTemplate(t)
	logging, _ := function["LoggingConfig"].(map[string]any)
	group, _ := logging["LogGroup"].(string)
	if resources[group].Type != "AWS::Logs::LogGroup" || resources[group].Properties["RetentionInDays"] == nil {
		t.Errorf("got the log group %q of all functions, want one of the template with RetentionInDays", group)
	}
	alarms := 0
	for name, r := range resources {
		if r.Type == "AWS::Serverless::Function" && r.Properties["LoggingConfig"] != nil {
			t.Errorf("%s: has a LoggingConfig, want that of Globals only", name)
		}
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarms++
		actions, _ := r.Properties["AlarmActions"].([]any)
		if r.Condition != "HasAlarms" || len(actions) != 1 || actions[0] != "AlarmTopic" {
			t.Errorf("%s: got the condition %q and the actions %v, want HasAlarms and AlarmTopic", name, r.Condition,
				actions)
		}
	}
	if alarms == 0 {
		t.Error("got no alarms")
	}
}

// TestTemplateDeletesOnlyPassingRows checks that no function may delete rows of
// names, devices, rooms and messages.
func TestTemplateDeletesOnlyPassingRows(t *testing.T) {
	resources, _ := readTemplate(t)
	deletable := append([]string{"MembershipsTable", "KeysTable"}, passing...)
	found := 0
	for name, r := range resources {
		policies, _ := r.Properties["Policies"].([]any)
		for _, p := range policies {
			policy, _ := p.(map[string]any)
			statements, _ := policy["Statement"].([]any)
			for _, s := range statements {
				statement, _ := s.(map[string]any)
				actions, _ := statement["Action"].([]any)
				if !slices.Contains(actions, any("dynamodb:DeleteItem")) {
					continue
				}
				found++
				table, _ := statement["Resource"].(string)
				if !slices.Contains(deletable, strings.TrimSuffix(table, ".Arn")) {
					t.Errorf("%s: may delete rows of %s, want only of %v", name, table, deletable)
				}
			}
		}
	}
	if found == 0 {
		t.Error("got no statement that allows dynamodb:DeleteItem")
	}
}
