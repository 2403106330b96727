package sam

import "slices"

// globalSections are the keys of Globals (SAM specification).
var globalSections = []string{"Function", "Api", "HttpApi", "SimpleTable", "StateMachine", "LayerVersion",
	"CapacityProvider",
	"MicroVMImage", "NetworkConnector", "WebSocketApi"}

// readGlobals checks the Globals section: Function, SimpleTable and
// WebSocketApi are merged into resources, the others are noted.
func (l *loader) readGlobals() {
	l.globals = l.section("Globals")
	if l.globals == nil {
		return
	}
	for _, f := range l.globals.fields {
		allowed, merged := globalProperties[f.key]
		if !merged {
			if !slices.Contains(globalSections, f.key) {
				l.failKey(l.globals, f, "unknown section of Globals",
					suggest(f.key, globalSections, "", "use "+oneOf(globalSections[:3])))
				continue
			}
			l.note(f.value, "Globals", f.key, "has no local meaning")
			continue
		}
		if f.value.kind != object {
			if f.value.kind != unknown {
				l.fail(f.value, "is "+f.value.kind.String(), "write a map of properties")
			}
			continue
		}
		for _, p := range f.value.fields {
			if !slices.Contains(allowed, p.key) {
				l.failKey(f.value, p, unknownProperty+"Globals."+f.key,
					suggest(p.key, allowed, "", "set it in the resources"))
			}
		}
	}
}

// globalProperties are what the sections that are merged into resources take.
var globalProperties = map[string][]string{
	"Function": samGlobals, "SimpleTable": {"SSESpecification"}, "WebSocketApi": webSocketGlobals,
}

var webSocketGlobals = []string{"AccessLogSettings", "ApiKeySelectionExpression", "DefaultRouteSettings",
	"DisableExecuteApiEndpoint",
	"DisableSchemaValidation", "Domain", "FailOnWarnings", "IpAddressType", "PropagateTags",
	"RouteSelectionExpression", "RouteSettings",
	"StageVariables", "Tags"}

// withGlobals merges a section of Globals into a resource's properties, minus
// what its IgnoreGlobals attribute names.
func (l *loader) withGlobals(section string, resource, own *value) *value {
	from := l.globals.get(section)
	ignore := resource.get("IgnoreGlobals")
	if from == nil || from.kind != object || ignore.scalar() == "*" {
		return own
	}
	kept := from.derive(object)
	for _, f := range from.fields {
		if !slices.Contains(resource.strs("IgnoreGlobals"), f.key) {
			kept.fields = append(kept.fields, f)
		}
	}
	if own == nil {
		own = resource.newObject()
	}
	return mergeGlobals(kept, own, "")
}

// mergeGlobals follows SAM: maps merge, lists are appended to the global ones,
// anything else is replaced. Architectures are replaced too.
func mergeGlobals(global, own *value, key string) *value {
	switch {
	case global.kind == object && own.kind == object:
		n := own.derive(object)
		for _, f := range global.fields {
			if mine := own.get(f.key); mine != nil {
				f = field{key: f.key, line: mine.line, col: mine.col, value: mergeGlobals(f.value, mine, f.key)}
			}
			n.fields = append(n.fields, f)
		}
		for _, f := range own.fields {
			if !global.has(f.key) {
				n.fields = append(n.fields, f)
			}
		}
		return n
	case global.kind == list && own.kind == list && key != "Architectures":
		return own.newList(append(slices.Clone(global.items), own.items...)...)
	}
	return own
}
