package route_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sotto-chat/sotto/shared/route"
)

// template is what the tests read of template.yaml. Intrinsic functions are
// read as their operand, since the decoder ignores tags.
type template struct {
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			RouteKey       string `yaml:"RouteKey"`
			Target         string `yaml:"Target"`
			IntegrationURI string `yaml:"IntegrationUri"`
			CodeURI        string `yaml:"CodeUri"`
			Policies       []struct {
				Statement []statement `yaml:"Statement"`
			} `yaml:"Policies"`
			KeyPolicy struct {
				Statement []keyStatement `yaml:"Statement"`
			} `yaml:"KeyPolicy"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

// statement is a statement of a policy, each with a list of actions.
type statement struct {
	Action    []string `yaml:"Action"`
	Resource  string   `yaml:"Resource"`
	Condition struct {
		StringEquals map[string]yaml.Node `yaml:"StringEquals"`
	} `yaml:"Condition"`
}

// keyStatement is a statement of a key's policy.
type keyStatement struct {
	Effect    string    `yaml:"Effect"`
	Action    yaml.Node `yaml:"Action"`
	Principal yaml.Node `yaml:"Principal"`
	Condition struct {
		StringEquals map[string]yaml.Node `yaml:"StringEquals"`
	} `yaml:"Condition"`
}

// allows reports whether the statement allows something to a role.
func (s keyStatement) allows(role string) bool {
	var principal struct {
		AWS yaml.Node `yaml:"AWS"`
	}
	return s.Effect == "Allow" && s.Principal.Decode(&principal) == nil &&
		slices.Contains(texts(principal.AWS), role)
}

// function is the function of a route as the template has it.
type function struct {
	code string // the folder of its main
	// actions are the actions allowed on a resource, sorted, by the resource's
	// text.
	actions map[string][]string
	// purposes are the actions that the key's policy allows, each with the
	// encryption context's purpose, sorted.
	purposes []string
}

var reference = regexp.MustCompile(`\$\{(\w+?)(\.Arn)?\}`)

// functionsOf returns the functions of the template's routes by route key.
func functionsOf(t *testing.T) map[string]function {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	untag(&node)
	var parsed template
	if err := node.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	found := map[string]function{}
	for name, r := range parsed.Resources {
		if r.Type != "AWS::ApiGatewayV2::Route" {
			continue
		}
		integration := parsed.Resources[lastReference(r.Properties.Target)]
		handler, ok := parsed.Resources[lastReference(integration.Properties.IntegrationURI)]
		if !ok {
			t.Errorf("%s: no function found behind its integration", name)
			continue
		}
		f := function{code: handler.Properties.CodeURI, actions: map[string][]string{}}
		for _, policy := range handler.Properties.Policies {
			for _, s := range policy.Statement {
				f.actions[s.Resource] = slices.Sorted(slices.Values(append(f.actions[s.Resource], s.Action...)))
			}
		}
		role := lastReference(integration.Properties.IntegrationURI) + "Role.Arn"
		for _, s := range parsed.Resources["MasterKey"].Properties.KeyPolicy.Statement {
			if !s.allows(role) {
				continue
			}
			for _, action := range texts(s.Action) {
				for _, purpose := range texts(s.Condition.StringEquals["kms:EncryptionContext:purpose"]) {
					f.purposes = append(f.purposes, action+" "+purpose)
				}
			}
		}
		slices.Sort(f.purposes)
		found[r.Properties.RouteKey] = f
	}
	return found
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

// texts returns the texts of a scalar or a list.
func texts(n yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var all []string
	for _, child := range n.Content {
		all = append(all, child.Value)
	}
	return all
}

// lastReference returns the resource that the text of a Fn::Sub names last.
func lastReference(text string) string {
	all := reference.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// TestTableIsThatOfTheTemplate compares the table of routes with the template:
// each route has its own row and function, and the reverse.
func TestTableIsThatOfTheTemplate(t *testing.T) {
	functions := functionsOf(t)
	var rows []string
	for _, r := range route.All() {
		rows = append(rows, r.Key)
		want := "functions/" + strings.ToLower(strings.TrimPrefix(r.Key, "$")) + "/"
		if f, ok := functions[r.Key]; ok && f.code != want {
			t.Errorf("%s: the template runs %s, want %s", r.Key, f.code, want)
		}
	}
	slices.Sort(rows)
	if in := slices.Sorted(maps.Keys(functions)); !slices.Equal(rows, in) {
		t.Errorf("the table has %v\nthe template has %v", rows, in)
	}
}

// permissions is what a row of the table implies for its function's role: what
// it may do with the master key for which purpose, and with the keys table.
type permissions struct{ purposes, keysTable []string }

var permissionsOf = map[route.Keys]permissions{
	route.NoKeys: {},
	route.SessionKeys: {
		purposes:  []string{"kms:Decrypt sotto-session-wrap"},
		keysTable: []string{"dynamodb:GetItem"},
	},
	route.HandshakeKeys: {
		purposes:  []string{"kms:Decrypt sotto-session-key", "kms:Decrypt sotto-session-wrap"},
		keysTable: []string{"dynamodb:GetItem", "dynamodb:Scan"},
	},
	route.DataKeys: {
		purposes:  []string{"kms:Decrypt sotto-data-key", "kms:Decrypt sotto-session-wrap"},
		keysTable: []string{"dynamodb:GetItem", "dynamodb:Scan"},
	},
	route.MessageKeys: {
		purposes: []string{"kms:Decrypt sotto-data-key", "kms:Decrypt sotto-server-key",
			"kms:Decrypt sotto-session-wrap", "kms:GenerateDataKey sotto-data-key"},
		keysTable: []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"},
	},
}

// TestPoliciesAreThoseOfTheTable compares what the functions may do with what
// the rows of the table need: exactly the keys they name, the caller's session
// if they handle frames after the handshake, and the rates and the connections
// API if they answer.
func TestPoliciesAreThoseOfTheTable(t *testing.T) {
	functions := functionsOf(t)
	for _, r := range route.All() {
		f, want := functions[r.Key], permissionsOf[r.Keys]
		for _, test := range []struct {
			what      string
			got, want []string
		}{
			{"actions on the master key in its own policy", f.actions["MasterKey.Arn"], nil},
			{"actions on the master key in the key's policy", f.purposes, want.purposes},
			{"actions on the keys table", f.actions["KeysTable.Arn"], want.keysTable},
		} {
			if !slices.Equal(test.got, test.want) {
				t.Errorf("%s: the policy has the %s %v, want %v", r.Key, test.what, test.got, test.want)
			}
		}
		isFrame := !strings.HasPrefix(r.Key, "$")
		for table, action := range map[string]string{
			"ConnectionsTable.Arn": "dynamodb:GetItem",
			"UsersTable.Arn":       "dynamodb:UpdateItem",
		} {
			if isFrame && !slices.Contains(f.actions[table], action) {
				t.Errorf("%s: the policy lacks %s on %s, which every frame needs", r.Key, action, table)
			}
		}
		answers := isFrame || r.Key == route.Default.Key
		for _, method := range []string{"POST", "DELETE"} { // to answer, and to close what is refused too often
			allowed := slices.ContainsFunc(slices.Collect(maps.Keys(f.actions)), func(resource string) bool {
				return strings.HasSuffix(resource, "/"+method+"/@connections/*")
			})
			if allowed != answers {
				t.Errorf("%s: the policy allows %s on connections: %v, want %v", r.Key, method, allowed, answers)
			}
		}
		if counts := slices.Contains(f.actions["RatesTable.Arn"], "dynamodb:UpdateItem"); counts != answers {
			t.Errorf("%s: the policy allows to spend from rates: %v, want %v", r.Key, counts, answers)
		}
	}
}

// TestEveryActionHasAUseCase keeps rows from being incomplete.
func TestEveryActionHasAUseCase(t *testing.T) {
	for _, r := range route.All() {
		if hasUseCase := r.UseCase != nil; hasUseCase == (r.Key == route.Default.Key) {
			t.Errorf("%s: has a use case: %v", r.Key, hasUseCase)
		}
	}
}
