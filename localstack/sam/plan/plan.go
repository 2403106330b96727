package plan

import (
	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Note says that something in the template has no effect locally, and why.
type Note = template.Note

// Plan is a resolved template with those of its nested stacks. The logical ids
// of what is in a nested stack begin with those of the stacks around it, as in
// Stack/Function.
type Plan struct {
	// Path is the template as given to Load. Dir is its folder, absolute.
	Path, Dir string
	// Files are the files that were read: the template, a configuration file,
	// the templates of nested stacks, and the files that the templates include.
	Files []string
	// StackName, Region and Account are the values of the pseudo parameters.
	StackName, Region, Account string

	// APIs has one entry per WebSocket API and stage.
	APIs      []WebSocketAPI
	Functions []Function
	Tables    []Table
	Keys      []Key
	Schedules []Schedule
	// EventSources are the table streams that feed functions.
	EventSources []EventSource
	Outputs      []Output
	// Notes lists what has no effect locally, in the order of the template.
	Notes []Note
}

// Function returns the function with that logical id, name or ARN (with or
// without a qualifier), or nil.
func (p *Plan) Function(id string) *Function {
	name := awsname.FunctionName(id)
	for i := range p.Functions {
		if f := &p.Functions[i]; f.LogicalID == id || f.Name == name {
			return f
		}
	}
	return nil
}

// Output is one of the template's outputs.
type Output struct {
	Name, Description, Value string
	// ExportName is empty if the output is not exported.
	ExportName string
}
