package expr

import "github.com/sotto-chat/sotto/localstack/dynamodb/attr"

// The functions of conditions and updates with their numbers of operands. The
// names are case-sensitive.
var (
	conditionFunctions = map[string]int{
		"attribute_exists":     1,
		"attribute_not_exists": 1,
		"attribute_type":       2,
		"begins_with":          2,
		"contains":             2,
		"size":                 1,
	}
	updateFunctions = map[string]int{
		"if_not_exists": 2,
		"list_append":   2,
	}
)

// function returns the term for a function call in a condition.
func (p *parser) function(name string, args []operand) term {
	want, known := conditionFunctions[name]
	if !known {
		if _, elsewhere := updateFunctions[name]; elsewhere {
			p.refusef(phaseFunctions, "The function is not allowed in a condition expression; function: %s", name)
		} else {
			p.refusef(phaseFunctions, "Invalid function name; function: %s", name)
		}
		return term{function: name, cond: invalidCond{}, operand: valueOperand{}}
	}
	t := term{function: name, cond: invalidCond{}}
	if name == "size" {
		t = term{function: name, operand: valueOperand{}}
	}
	if !p.checkArity(phaseOperands, name, len(args), want) {
		return t
	}
	p.checkDistinct(name, args[0], args[1:]...)
	switch name {
	case "attribute_exists", "attribute_not_exists":
		path, ok := args[0].(pathOperand)
		if !ok {
			p.requiresPath(phaseOperands, name)
		}
		t.cond = existsCond{path: path.path, want: name == "attribute_exists"}
	case "attribute_type":
		t.cond = typeCond{of: args[0], want: p.typeName(args[1])}
	case "begins_with":
		for _, a := range args {
			p.checkKind(phaseOperands, name, a.kind(), attr.S, attr.B)
		}
		t.cond = beginsCond{args[0], args[1]}
	case "contains":
		t.cond = containsCond{args[0], args[1]}
	case "size":
		p.checkKind(phaseOperands, name, args[0].kind(), attr.S, attr.B, attr.SS, attr.NS, attr.BS, attr.L, attr.M)
		t.operand = sizeOperand{args[0]}
	}
	return t
}

func (p *parser) requiresPath(ph phase, function string) {
	p.refusef(ph, "Operator or function requires a document path; operator or function: %s", function)
}

// typeName returns the type that the second operand of attribute_type names.
// The operand must be a value.
func (p *parser) typeName(o operand) attr.Kind {
	v, isValue := o.(valueOperand)
	if _, isPath := o.(pathOperand); isPath {
		p.refusef(phaseOperands, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		return 0
	}
	p.checkKind(phaseOperands, "attribute_type", o.kind(), attr.S)
	if !isValue || v.kind() != attr.S {
		return 0
	}
	kind, ok := attr.ParseKind(v.value.Text())
	if !ok {
		p.refusef(phaseOperands, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", v.value.Text())
	}
	return kind
}
