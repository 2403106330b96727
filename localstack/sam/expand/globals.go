package expand

import (
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// globalSections are the keys of Globals (SAM specification).
var globalSections = []string{"Function", "Api", "HttpApi", "SimpleTable", "StateMachine", "LayerVersion",
	"CapacityProvider", "MicroVMImage", "NetworkConnector", "WebSocketApi"}

// globalProperties are the properties of the sections that are merged into
// resources (SAM specification, Globals).
var globalProperties = map[string][]string{
	"Function": {"Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties",
		"CapacityProviderConfig", "CodeSigningConfigArn", "CodeUri", "DeadLetterQueue", "DeploymentPreference",
		"Description", "DurableConfig", "Environment", "EphemeralStorage", "EventInvokeConfig", "FileSystemConfigs",
		"FunctionScalingConfig", "FunctionUrlConfig", "Handler", "KmsKeyArn", "Layers", "LoggingConfig",
		"MemorySize", "PermissionsBoundary", "PropagateTags", "ProvisionedConcurrencyConfig",
		"PublishToLatestPublished", "RecursiveLoop", "ReservedConcurrentExecutions", "RolePath", "Runtime",
		"RuntimeManagementConfig", "SnapStart", "SourceKMSKeyArn", "Tags", "TenancyConfig", "Timeout", "Tracing",
		"VersionDeletionPolicy", "VpcConfig"},
	"SimpleTable": {"SSESpecification"},
	"WebSocketApi": {"AccessLogSettings", "ApiKeySelectionExpression", "DefaultRouteSettings",
		"DisableExecuteApiEndpoint", "DisableSchemaValidation", "Domain", "FailOnWarnings", "IpAddressType",
		"PropagateTags", "RouteSelectionExpression", "RouteSettings", "StageVariables", "Tags"},
}

// CheckGlobals checks the Globals section, which may be nil. A section whose
// resources have no effect is noted.
func CheckGlobals(r *template.Report, globals *template.Value) {
	for _, f := range globals.Entries() {
		allowed, merged := globalProperties[f.Key]
		switch {
		case merged:
			checkSection(r, f, allowed)
		case slices.Contains(globalSections, f.Key):
			r.Note(f.Value, "Globals", f.Key, "has no local meaning")
		default:
			r.FailKey(globals, f, "unknown section of Globals",
				template.Suggest(f.Key, globalSections, "", "use "+template.OneOf(globalSections[:3])))
		}
	}
}

// checkSection checks the properties of one section.
func checkSection(r *template.Report, section template.Field, allowed []string) {
	if section.Value.Kind != template.Object {
		if section.Value.Kind != template.Unknown {
			r.FailKind(section.Value, "write a map of properties")
		}
		return
	}
	for _, p := range section.Value.Fields {
		if !slices.Contains(allowed, p.Key) {
			r.FailKey(section.Value, p, template.UnknownProperty+"Globals."+section.Key,
				template.Suggest(p.Key, allowed, "", "set it in the resources"))
		}
	}
}

// WithGlobals merges a section of Globals into the properties of a resource,
// without those that its attribute IgnoreGlobals names.
func WithGlobals(section, resource, own *template.Value) *template.Value {
	ignore := resource.Get("IgnoreGlobals")
	if !section.Is(template.Object) || ignore.Scalar() == "*" {
		return own
	}
	kept := section.Derive(template.Object)
	for _, f := range section.Fields {
		if !slices.Contains(ignore.Texts(), f.Key) {
			kept.Fields = append(kept.Fields, f)
		}
	}
	if own == nil {
		own = resource.NewObject()
	}
	return merge(kept, own, "")
}

// merge merges as SAM does: maps are merged, lists are appended to the global
// ones, and everything else is replaced. The list Architectures is replaced
// too.
func merge(global, own *template.Value, key string) *template.Value {
	switch {
	case global.Kind == template.Object && own.Kind == template.Object:
		return mergeObjects(global, own)
	case global.Kind == template.List && own.Kind == template.List && key != "Architectures":
		return own.NewList(slices.Concat(global.Items, own.Items)...)
	}
	return own
}

func mergeObjects(global, own *template.Value) *template.Value {
	n := own.Derive(template.Object)
	for _, f := range global.Fields {
		if mine := own.Get(f.Key); mine != nil {
			f.Line, f.Column, f.Value = mine.Line, mine.Column, merge(f.Value, mine, f.Key)
		}
		n.Fields = append(n.Fields, f)
	}
	for _, f := range own.Fields {
		if !global.Has(f.Key) {
			n.Fields = append(n.Fields, f)
		}
	}
	return n
}
