package expand

import (
	"cmp"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Function expands AWS::Serverless::Function to the function, its role, its
// event invoke configuration, its version and alias, and its events.
func Function(s *resource.Set, res *template.Resource, _ *template.Value) {
	p := res.Properties
	fields := template.Pick(p, "Architectures", "Code=CodeUri", "Description", "Environment", "EphemeralStorage",
		"FunctionName", "Handler", "KmsKeyArn", "MemorySize", "ReservedConcurrentExecutions", "Role", "Runtime",
		"Timeout", "LoggingConfig", "PackageType", "Layers", "VpcConfig", "FileSystemConfigs", "SnapStart")
	if dlq := p.Get("DeadLetterQueue"); dlq != nil {
		fields = append(fields, template.With("DeadLetterConfig", dlq.NewObject(template.Pick(dlq, "TargetArn")...)))
	}
	if mode := p.Get("Tracing"); mode != nil {
		fields = append(fields, template.With("TracingConfig", mode.NewObject(template.With("Mode", mode))))
	}
	if !p.Has("CodeUri") {
		fields = append(fields, template.With("Code", codeWithoutURI(s, res)))
	}
	if c := p.Get("FunctionUrlConfig"); c != nil {
		s.Note(c, s.LogicalID(res), "FunctionUrlConfig", "function URLs are not served locally")
		s.Generate(res, res.ID+"Url", "AWS::Lambda::Url")
	}
	if !p.Has("Role") {
		fields = append(fields, template.With("Role", res.At.NewARN(role(s, res).ID)))
	}
	res.Type = "AWS::Lambda::Function"
	res.Properties = p.NewObject(fields...)
	invokeConfig(s, res, p.Get("EventInvokeConfig"))
	alias(s, res, p.Get("AutoPublishAlias"))
	for _, f := range p.Get("Events").Entries() {
		event(s, res, f)
	}
}

// codeWithoutURI returns Code for a function without CodeUri.
func codeWithoutURI(s *resource.Set, res *template.Resource) *template.Value {
	if c := res.Properties.Get("InlineCode"); c != nil {
		if strings.HasPrefix(res.Properties.Str("Runtime"), "provided") {
			return s.Fail(c, "inline code cannot run on a provided runtime", "use CodeUri with the folder of the code")
		}
		return c.NewObject(template.With("ZipFile", c))
	}
	return res.At.NewText(".") // the default of sam build
}

// invokeConfig generates the configuration of asynchronous invocations.
func invokeConfig(s *resource.Set, res *template.Resource, config *template.Value) {
	if !config.Is(template.Object) {
		return
	}
	fields := append(template.Pick(config, "MaximumEventAgeInSeconds", "MaximumRetryAttempts"),
		template.With("FunctionName", config.NewRef(res.ID)), template.With("Qualifier", config.NewText("$LATEST")))
	if d := config.Get("DestinationConfig"); d.Is(template.Object) {
		fields = append(fields, template.With("DestinationConfig", d.NewObject(destinations(s, res, d)...)))
	}
	s.Generate(res, res.ID+"EventInvokeConfig", "AWS::Lambda::EventInvokeConfig", fields...)
}

// destinations returns OnSuccess and OnFailure without the type, which only SAM
// has.
func destinations(s *resource.Set, res *template.Resource, config *template.Value) []template.Field {
	var sides []template.Field
	for _, f := range config.Fields {
		if f.Value.Kind == template.Object && !f.Value.Has("Destination") {
			s.Note(f.Value, s.LogicalID(res), "EventInvokeConfig",
				"a destination that SAM creates by itself does not exist locally")
			continue
		}
		sides = append(sides, template.With(f.Key, f.Value.NewObject(template.Pick(f.Value, "Destination")...)))
	}
	return sides
}

// alias generates the alias and the version, so that references to them
// resolve.
func alias(s *resource.Set, res *template.Resource, name *template.Value) {
	if !name.Known() {
		return
	}
	target := template.With("FunctionName", name.NewRef(res.ID))
	version := s.Generate(res, res.ID+"Version", "AWS::Lambda::Version", target)
	named := s.Generate(res, res.ID+"Alias"+name.Text, "AWS::Lambda::Alias", target, template.With("Name", name))
	res.Parts = map[string]string{"Version": version.ID, "Alias": named.ID}
}

// invokedBy refers to what an event invokes: the function, or the alias under
// which SAM publishes it.
func invokedBy(at *template.Value, res *template.Resource) *template.Value {
	return at.NewRef(cmp.Or(res.Parts["Alias"], res.ID))
}

// invokedARN is [invokedBy] as an ARN, which is the Ref of an alias.
func invokedARN(at *template.Value, res *template.Resource) *template.Value {
	if alias := res.Parts["Alias"]; alias != "" {
		return at.NewRef(alias)
	}
	return at.NewARN(res.ID)
}

// permission generates the permission for a service to invoke a function.
func permission(s *resource.Set, res *template.Resource, id string, function *template.Value, service string,
	source *template.Value) {
	at := source
	s.Generate(res, id, "AWS::Lambda::Permission",
		template.With("Action", at.NewText("lambda:InvokeFunction")),
		template.With("FunctionName", function),
		template.With("Principal", at.NewText(service)),
		template.With("SourceArn", source))
}
