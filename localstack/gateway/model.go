package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// models validate a route's messages (A5.7, API Gateway developer guide
// "Request validation for WebSocket APIs").
type models struct {
	selector selector
	byKey    map[string]*jsonschema.Schema
}

// modelBase is where models find one another: "$ref": modelBase +
// "{apiId}/models/{name}" (API Gateway developer guide).
const modelBase = "https://apigateway.amazonaws.com/restapis/"

// newModels compiles what a route needs, or returns nil if it validates
// nothing: validation needs a model selection expression.
func newModels(route Route, apiID string, schemas map[string][]byte) (*models, error) {
	if route.ModelSelectionExpression == "" {
		return nil, nil
	}
	selector, err := parseSelection(route.ModelSelectionExpression)
	if err != nil {
		return nil, fmt.Errorf("model selection expression %q: %w", route.ModelSelectionExpression, err)
	}
	compiler, err := newCompiler(apiID, schemas)
	if err != nil {
		return nil, err
	}
	m := &models{selector: selector, byKey: make(map[string]*jsonschema.Schema, len(route.Models))}
	for key, name := range route.Models {
		if _, ok := schemas[name]; !ok {
			return nil, fmt.Errorf("there is no model %q", name)
		}
		if m.byKey[key], err = compiler.Compile(modelURL(apiID, name)); err != nil {
			return nil, fmt.Errorf("model %q: %w", name, firstMistake(err))
		}
	}
	return m, nil
}

func modelURL(apiID, name string) string { return modelBase + apiID + "/models/" + name }

// newCompiler knows the API's models and fetches nothing.
func newCompiler(apiID string, schemas map[string][]byte) (*jsonschema.Compiler, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	compiler.UseLoader(nowhere{})
	for name, schema := range schemas {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", name, err)
		}
		if err := compiler.AddResource(modelURL(apiID, name), document); err != nil {
			return nil, fmt.Errorf("model %q: %w", name, err)
		}
	}
	return compiler, nil
}

// firstMistake takes the first line that says what is wrong out of a tree of
// them.
func firstMistake(err error) error {
	var invalid *jsonschema.SchemaValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	mistake, ok := invalid.Err.(*jsonschema.ValidationError)
	if !ok {
		return err
	}
	for len(mistake.Causes) > 0 {
		mistake = mistake.Causes[0]
	}
	lines := strings.Split(mistake.Error(), "\n")
	return errors.New(strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "- "))
}

// nowhere is a loader of references that lead out of the API.
type nowhere struct{}

func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a model can refer to models of its API only")
}

// CheckModel says what is wrong with a model's schema, if anything. It may
// refer to the other schemas of the API with that id.
func CheckModel(apiID, name string, schemas map[string][]byte) error {
	_, err := newModels(Route{ModelSelectionExpression: "x", Models: map[string]string{"x": name}}, apiID, schemas)
	return err
}

// admit reports whether a message satisfies its model. A message that selects
// none, where there is no $default either, does not.
func (m *models) admit(text []byte) bool {
	value, err := decodeBody(text)
	if err != nil {
		return false
	}
	key, err := m.selector.selectKey(text)
	schema, ok := m.byKey[key]
	if err != nil || !ok {
		if schema, ok = m.byKey[defaultKey]; !ok {
			return false
		}
	}
	return schema.Validate(value) == nil
}
