package sam

import (
	"fmt"
	"strings"
)

// samConnector are the properties of AWS::Serverless::Connector.
var samConnector = objectOf(props{"Source": must(anything), "Destination": must(anything),
	"Permissions": must(listOf(words("Read", "Write")))})

// connection is what a connector between two types grants, by permission (SAM
// specification, AWS::Serverless::Connector).
type connection struct {
	// policy says whose role gets the statement: "Source" or "Destination". It
	// is empty if the function's resource-based policy admits the source.
	policy      string
	permissions map[string][]string // actions; one invoker for a function's policy
	// resources hold ${Arn} of the other side.
	resources []string
	// source is the SourceArn of a function's policy.
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
			"Write": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
				"dynamodb:BatchWriteItem", "dynamodb:PartiQLDelete",
				"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}},
	},
	{"AWS::DynamoDB::Table", "AWS::Lambda::Function"}: {
		policy:    "Destination",
		resources: []string{"${Arn}/stream/*"},
		permissions: map[string][]string{"Read": {"dynamodb:DescribeStream", "dynamodb:GetRecords",
			"dynamodb:GetShardIterator", "dynamodb:ListStreams"}},
	},
	{"AWS::Events::Rule", "AWS::Lambda::Function"}: {source: "${Arn}",
		permissions: map[string][]string{"Write": {"events.amazonaws.com"}}},
	{"AWS::ApiGatewayV2::Api", "AWS::Lambda::Function"}: {source: "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Id}/${Qualifier}",
		permissions: map[string][]string{"Write": {"apigateway.amazonaws.com"}}},
}

// expandConnectors generates what connectors grant: those written as resources
// and those below the Connectors attribute of their source. It runs once every
// resource has become what SAM expands it to.
func (l *loader) expandConnectors(written []*resource) {
	for _, res := range written {
		if res.off {
			continue
		}
		if res.typ == "AWS::Serverless::Connector" && res.props.kind == object {
			l.connector(res, res.id, res.props.get("Source"), res.props)
		}
		embedded := res.at.get("Connectors")
		if embedded == nil {
			continue
		}
		embedded = l.eval(embedded, early)
		l.check(embedded, mapOf(objectOf(props{"Properties": must(objectOf(props{
			"Destination": must(anything), "Permissions": must(listOf(words("Read", "Write"))),
			"SourceReference": anything,
		})), "Condition": anything, "DeletionPolicy": anything, "DependsOn": anything,
			"Metadata": anything, "UpdateReplacePolicy": anything,
		})), "a connector")
		for _, f := range embedded.fields {
			p := f.value.get("Properties")
			if p == nil || p.kind != object {
				continue
			}
			source := p.newObject(append(pick(p.get("SourceReference"), "Qualifier"),
				with("Id", f.value.newText(res.id)))...)
			l.connector(res, res.id+f.key, source, p)
		}
	}
}

// connector grants what one connector says, to each of its destinations.
func (l *loader) connector(res *resource, id string, source, p *value) {
	destination := p.get("Destination")
	if source == nil || destination == nil {
		return // reported as missing
	}
	destinations, suffix := []*value{destination}, func(int) string { return "" }
	if destination.kind == list {
		destinations, suffix = destination.items, func(i int) string { return fmt.Sprintf("Destination%d", i) }
	}
	for i, d := range destinations {
		from, to := l.connected(id, source), l.connected(id, d)
		if from == nil || to == nil {
			continue
		}
		c, ok := connections[[2]string{from.typ, to.typ}]
		if !ok && (from.noted || to.noted) {
			l.note(d, id, "AWS::Serverless::Connector",
				fmt.Sprintf("grants nothing locally from %s to %s", from.typ, to.typ))
			continue
		}
		if !ok {
			l.fail(d, fmt.Sprintf("SAM has no connector from %s to %s", from.typ, to.typ),
				"grant the actions in the function's Policies")
			continue
		}
		l.grant(res, id, suffix(i), c, from, to, source, p.get("Permissions"))
	}
}

// connected is the resource at one end of a connector.
func (l *loader) connected(id string, end *value) *resource {
	name := end.get("Id")
	if name == nil {
		if end.kind == object {
			l.note(end, id, "AWS::Serverless::Connector",
				"grants nothing locally, as it names no resource of the template by Id")
		} else {
			l.check(end, objectOf(props{"Id": must(str)}), "a connector")
		}
		return nil
	}
	if !name.known() {
		return nil
	}
	if l.resources[name.text] == nil {
		l.fail(name, "there is no resource "+name.text,
			suggest(name.text, sortedKeys(l.resources), "", "correct the name"))
	}
	return l.resources[name.text]
}

func (l *loader) grant(res *resource, id, suffix string, c connection, from, to *resource, source, permissions *value) {
	if permissions == nil {
		return
	}
	at := permissions
	sub := func(text string, other *resource) *value {
		var vars []field
		for name, v := range map[string]*value{
			"${Arn}": arnOf(at, other.id), "${Id}": refTo(at, other.id),
			"${Qualifier}": at.newText(source.strOr("Qualifier", "*")),
		} {
			if strings.Contains(text, name) {
				vars = append(vars, with(strings.Trim(name, "${}"), v))
			}
		}
		return at.newCall("Fn::Sub", at.newList(at.newText(text), at.newObject(vars...)))
	}
	var statements []*value
	for _, permission := range permissions.items {
		names, ok := c.permissions[permission.scalar()]
		switch {
		case !permission.known() || permission.text != "Read" && permission.text != "Write": // reported
		case !ok:
			l.fail(permission, "this connector does not grant "+quote(permission.text),
				"use "+oneOf(sortedKeys(c.permissions)))
		case c.policy == "":
			l.generate(res, id+permission.text+"LambdaPermission"+suffix, "AWS::Lambda::Permission",
				with("Action", at.newText("lambda:InvokeFunction")), with("FunctionName", arnOf(at, to.id)),
				with("Principal", at.newText(names[0])), with("SourceArn", sub(c.source, from)))
		default:
			other := to
			if c.policy == "Destination" {
				other = from
			}
			var actions, resources []*value
			for _, a := range names {
				actions = append(actions, at.newText(a))
			}
			for _, r := range c.resources {
				resources = append(resources, sub(r, other))
			}
			statements = append(statements, at.newObject(with("Effect", at.newText("Allow")),
				with("Action", at.newList(actions...)), with("Resource", at.newList(resources...))))
		}
	}
	if len(statements) == 0 {
		return
	}
	owner := from
	if c.policy == "Destination" {
		owner = to
	}
	role := l.roleResource(owner)
	if role == "" {
		l.fail(source, "the role of "+owner.id+" is not in this template", "grant the actions where the role is")
		return
	}
	l.generate(res, id+"Policy"+suffix, "AWS::IAM::ManagedPolicy", with("Roles", at.newList(refTo(at, role))),
		with("PolicyDocument",
			at.newObject(with("Version", at.newText("2012-10-17")), with("Statement", at.newList(statements...)))))
}

// roleResource is the logical id of a function's role, or "".
func (l *loader) roleResource(function *resource) string {
	var id string
	if role := function.props.get("Role"); role != nil {
		references(role, func(_ *value, name, _ string) {
			name, _, _ = strings.Cut(name, ".")
			if r := l.resources[name]; r != nil && r.typ == "AWS::IAM::Role" {
				id = name
			}
		})
	}
	return id
}
