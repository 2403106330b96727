package expand

import (
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// ConnectorPermissions is the shape of the permissions of a connector.
var ConnectorPermissions = shape.List(shape.Words("Read", "Write"))

// embeddedConnectors is the shape of the attribute Connectors.
var embeddedConnectors = shape.Map(shape.Object(shape.Props{
	"Properties": shape.Required(shape.Object(shape.Props{
		"Destination":     shape.Required(shape.Any),
		"Permissions":     shape.Required(ConnectorPermissions),
		"SourceReference": shape.Any,
	})),
	"Condition":           shape.Any,
	"DeletionPolicy":      shape.Any,
	"DependsOn":           shape.Any,
	"Metadata":            shape.Any,
	"UpdateReplacePolicy": shape.Any,
}))

// connection is what a connector between two types grants, by permission (SAM
// specification, AWS::Serverless::Connector).
type connection struct {
	// policy says whose role gets the statement: "Source" or "Destination". It
	// is empty if the function's resource-based policy allows the source.
	policy string
	// permissions are the actions, or the one service that may invoke a
	// function.
	permissions map[string][]string
	// resources contain ${Arn} of the other side.
	resources []string
	// source is the SourceArn of a permission.
	source string
}

var connections = map[[2]string]connection{
	{"AWS::Lambda::Function", "AWS::Lambda::Function"}: {
		policy:      "Source",
		resources:   []string{"${Arn}"},
		permissions: map[string][]string{"Write": {"lambda:InvokeAsync", "lambda:InvokeFunction"}},
	},
	{"AWS::Lambda::Function", "AWS::DynamoDB::Table"}: {
		policy:    "Source",
		resources: []string{"${Arn}", "${Arn}/index/*"},
		permissions: map[string][]string{
			"Read": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:BatchGetItem",
				"dynamodb:ConditionCheckItem", "dynamodb:PartiQLSelect"},
			"Write": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
				"dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"},
		},
	},
	{"AWS::DynamoDB::Table", "AWS::Lambda::Function"}: {
		policy:    "Destination",
		resources: []string{"${Arn}/stream/*"},
		permissions: map[string][]string{"Read": {"dynamodb:DescribeStream", "dynamodb:GetRecords",
			"dynamodb:GetShardIterator", "dynamodb:ListStreams"}},
	},
	{"AWS::Events::Rule", "AWS::Lambda::Function"}: {
		source:      "${Arn}",
		permissions: map[string][]string{"Write": {"events.amazonaws.com"}},
	},
	{"AWS::ApiGatewayV2::Api", "AWS::Lambda::Function"}: {
		source:      "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Id}/${Qualifier}",
		permissions: map[string][]string{"Write": {"apigateway.amazonaws.com"}},
	},
}

// Connector expands AWS::Serverless::Connector to the policies and permissions
// that it grants. It runs when all other resources are expanded.
func Connector(s *resource.Set, res *template.Resource, _ *template.Value) {
	c := connector{s: s, res: res, id: res.ID, source: res.Properties.Get("Source")}
	c.expand(res.Properties)
}

// EmbeddedConnectors expands the attribute Connectors of a resource.
func EmbeddedConnectors(s *resource.Set, res *template.Resource) {
	embedded := res.At.Get("Connectors")
	if embedded == nil {
		return
	}
	embedded = s.Eval.Eval(embedded, eval.Early)
	shape.Check(s.Report, embedded, embeddedConnectors, "a connector")
	for _, f := range embedded.Fields {
		p := f.Value.Get("Properties")
		if !p.Is(template.Object) {
			continue
		}
		source := p.NewObject(append(template.Pick(p.Get("SourceReference"), "Qualifier"),
			template.With("Id", f.Value.NewText(res.ID)))...)
		c := connector{s: s, res: res, id: res.ID + f.Key, source: source}
		c.expand(p)
	}
}

// connector is the expansion of one connector.
type connector struct {
	s      *resource.Set
	res    *template.Resource
	id     string
	source *template.Value
	// permissions are what the connector grants.
	permissions *template.Value
}

// expand grants the permissions in p to each of its destinations.
func (c connector) expand(p *template.Value) {
	destination := p.Get("Destination")
	if c.source == nil || destination == nil {
		return // reported as missing
	}
	c.permissions = p.Get("Permissions")
	for i, d := range destination.OneOrMore() {
		suffix := ""
		if destination.Kind == template.List {
			suffix = fmt.Sprintf("Destination%d", i)
		}
		c.connect(d, suffix)
	}
}

// connect grants the permissions for one destination.
func (c connector) connect(destination *template.Value, suffix string) {
	from, to := c.end(c.source), c.end(destination)
	if from == nil || to == nil {
		return
	}
	conn, ok := connections[[2]string{from.Type, to.Type}]
	switch {
	case ok:
		g := grant{connector: c, conn: conn, from: from, to: to, suffix: suffix}
		g.add()
	case from.Ignored || to.Ignored:
		c.s.Note(destination, c.id, "AWS::Serverless::Connector",
			fmt.Sprintf("grants nothing locally from %s to %s", from.Type, to.Type))
	default:
		c.s.Fail(destination, fmt.Sprintf("SAM has no connector from %s to %s", from.Type, to.Type),
			"grant the actions in the function's Policies")
	}
}

// end returns the resource at one end of a connector, or nil.
func (c connector) end(v *template.Value) *template.Resource {
	name := v.Get("Id")
	switch {
	case name == nil && v.Kind == template.Object:
		c.s.Note(v, c.id, "AWS::Serverless::Connector",
			"grants nothing locally, as it names no resource of the template by Id")
		return nil
	case name == nil:
		shape.Check(c.s.Report, v, shape.Object(shape.Props{"Id": shape.Required(shape.String)}), "a connector")
		return nil
	case !name.Known():
		return nil
	}
	res := c.s.Find(name.Text)
	if res == nil {
		c.s.Fail(name, "there is no resource "+name.Text,
			template.Suggest(name.Text, c.s.IDs(), "", "correct the name"))
	}
	return res
}

// grant is a connector to one destination.
type grant struct {
	connector
	conn     connection
	from, to *template.Resource
	suffix   string // of the logical ids
}

// add generates a permission for each granted permission, or one policy.
func (g grant) add() {
	if g.permissions == nil {
		return
	}
	var statements []*template.Value
	for _, permission := range g.permissions.Items {
		names, ok := g.conn.permissions[permission.Scalar()]
		switch {
		case !permission.Known() || permission.Text != "Read" && permission.Text != "Write": // reported
		case !ok:
			g.s.Fail(permission, "this connector does not grant "+template.Quote(permission.Text),
				"use "+template.OneOf(template.SortedKeys(g.conn.permissions)))
		case g.conn.policy == "":
			g.addPermission(permission.Text, names[0])
		default:
			statements = append(statements, g.statement(names))
		}
	}
	if len(statements) > 0 {
		g.addPolicy(statements)
	}
}

// addPermission generates the permission for a service to invoke a function.
func (g grant) addPermission(name, service string) {
	at := g.permissions
	permission(g.s, g.res, g.id+name+"LambdaPermission"+g.suffix, at.NewARN(g.to.ID), service,
		g.sub(g.conn.source, g.from))
}

// statement returns the statement that allows the actions on the other side.
func (g grant) statement(actions []string) *template.Value {
	at, other := g.permissions, g.to
	if g.conn.policy == "Destination" {
		other = g.from
	}
	var resources []*template.Value
	for _, r := range g.conn.resources {
		resources = append(resources, g.sub(r, other))
	}
	return at.NewObject(template.With("Effect", at.NewText("Allow")),
		template.With("Action", at.NewTexts(actions...)), template.With("Resource", at.NewList(resources...)))
}

// addPolicy generates a managed policy for the role of one side.
func (g grant) addPolicy(statements []*template.Value) {
	at, owner := g.permissions, g.from
	if g.conn.policy == "Destination" {
		owner = g.to
	}
	role := roleOf(g.s, owner)
	if role == "" {
		g.s.Fail(g.source, "the role of "+owner.ID+" is not in this template",
			"grant the actions where the role is")
		return
	}
	document := at.NewObject(template.With("Version", at.NewText("2012-10-17")),
		template.With("Statement", at.NewList(statements...)))
	g.s.Generate(g.res, g.id+"Policy"+g.suffix, "AWS::IAM::ManagedPolicy",
		template.With("Roles", at.NewList(at.NewRef(role))), template.With("PolicyDocument", document))
}

// sub returns text with ${Arn} and ${Id} of a resource, and with ${Qualifier}
// of the source.
func (g grant) sub(text string, other *template.Resource) *template.Value {
	at := g.permissions
	var variables []template.Field
	for _, f := range []template.Field{
		template.With("Arn", at.NewARN(other.ID)),
		template.With("Id", at.NewRef(other.ID)),
		template.With("Qualifier", at.NewText(g.source.StrOr("Qualifier", "*"))),
	} {
		if strings.Contains(text, "${"+f.Key+"}") {
			variables = append(variables, f)
		}
	}
	return at.NewCall("Fn::Sub", at.NewList(at.NewText(text), at.NewObject(variables...)))
}

// roleOf returns the logical id of a function's role, or "".
func roleOf(s *resource.Set, function *template.Resource) string {
	var id string
	template.References(function.Properties.Get("Role"), func(_ *template.Value, name, _ string) {
		name, _, _ = strings.Cut(name, ".")
		if r := s.Find(name); r != nil && r.Type == "AWS::IAM::Role" {
			id = name
		}
	})
	return id
}
