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

// modelBase begins the URL of a model in "$ref": modelBase +
// "{apiId}/models/{name}" (API Gateway developer guide).
const modelBase = "https://apigateway.amazonaws.com/restapis/"

// newModels compiles the models of a route. It returns nil if the route has no
// model selection expression and so validates nothing.
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
			return nil, fmt.Errorf("no model %q", name)
		}
		if m.byKey[key], err = compiler.Compile(modelURL(apiID, name)); err != nil {
			return nil, fmt.Errorf("model %q: %w", name, firstError(err))
		}
	}
	return m, nil
}

func modelURL(apiID, name string) string { return modelBase + apiID + "/models/" + name }

// newCompiler returns a compiler that has the API's models and loads no others.
func newCompiler(apiID string, schemas map[string][]byte) (*jsonschema.Compiler, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	compiler.UseLoader(noLoader{})
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

// firstError returns the first error of a tree of validation errors.
func firstError(err error) error {
	var invalid *jsonschema.SchemaValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	first, ok := invalid.Err.(*jsonschema.ValidationError)
	if !ok {
		return err
	}
	for len(first.Causes) > 0 {
		first = first.Causes[0]
	}
	lines := strings.Split(first.Error(), "\n")
	return errors.New(strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "- "))
}

// noLoader refuses references to anything but the API's models.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a model can refer to models of its API only")
}

// CheckModel returns an error if the schema of a model is not valid. schemas
// are those of the API with that id, by model name; they may refer to one
// another.
func CheckModel(apiID, name string, schemas map[string][]byte) error {
	_, err := newModels(Route{ModelSelectionExpression: "x", Models: map[string]string{"x": name}}, apiID, schemas)
	return err
}

// accepts reports whether a message satisfies the model that it selects. It
// returns false if the message selects none and there is no $default.
func (m *models) accepts(body messageBody) bool {
	if body.err != nil {
		return false
	}
	key, err := m.selector.selectKey(body)
	schema, ok := m.byKey[key]
	if err != nil || !ok {
		if schema, ok = m.byKey[defaultKey]; !ok {
			return false
		}
	}
	return schema.Validate(body.value) == nil
}
