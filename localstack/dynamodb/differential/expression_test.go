package differential

import (
	"fmt"
	"strings"
)

// reset starts the expressions of a new request.
func (g *generator) reset() { g.names, g.values = map[string]string{}, object{} }

func (g *generator) literal() string {
	name := fmt.Sprintf(":v%d", len(g.values))
	g.values[name] = g.value(1)
	return name
}

func (g *generator) path() string {
	p := g.pick(attributes...)
	if g.chance(10) {
		g.names["#"+p] = p
		p = "#" + p
	}
	for g.chance(25) {
		p += g.pick(".x", ".y", "[0]", "[1]", "[2]")
	}
	if g.IntN(300) == 0 {
		p = g.pick("size", "#undefined", "a..b", "a[", "")
	}
	return p
}

func (g *generator) operand() string {
	switch k := g.IntN(10); {
	case k < 5:
		return g.path()
	case k < 9:
		return g.literal()
	default:
		return "size(" + g.path() + ")"
	}
}

func (g *generator) condition(depth int) string {
	if depth > 0 {
		switch g.IntN(6) {
		case 0:
			return g.condition(depth-1) + g.pick(" AND ", " OR ", " and ") + g.condition(depth-1)
		case 1:
			return "NOT " + g.condition(depth-1)
		case 2:
			return "(" + g.condition(depth-1) + g.pick(" AND ", " OR ") + g.condition(depth-1) + ")"
		}
	}
	switch g.IntN(9) {
	case 0:
		return "attribute_exists(" + g.path() + ")"
	case 1:
		return "attribute_not_exists(" + g.path() + ")"
	case 2:
		g.values[":type"] = object{"S": g.pick("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")}
		return "attribute_type(" + g.path() + ", :type)"
	case 3:
		return "begins_with(" + g.path() + ", " + g.literalOf("S", "B") + ")"
	case 4:
		return "contains(" + g.path() + ", " + g.literalOf("S", "N", "B") + ")"
	case 5:
		kind := g.pick("S", "N")
		return g.operand() + " BETWEEN " + g.literalOf(kind) + " AND " + g.literalOf(kind)
	case 6:
		// dynalite assumes that all values have the type of the first one.
		kind := g.pick("S", "N", "B")
		in := g.path() + " IN (" + g.member(kind)
		for range g.IntN(3) {
			in += ", " + g.member(kind)
		}
		return in + ")"
	case 7:
		// Only scalars: dynalite also orders types that have no order.
		return g.operand() + g.pick(" < ", " <= ", " > ", " >= ") + g.literalOf("S", "N", "B")
	default:
		// Not two paths: for dynalite two missing operands are equal.
		return g.operand() + g.pick(" = ", " <> ") + g.literal()
	}
}

func (g *generator) update() string {
	var clauses []string
	for _, keyword := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if g.chance(55) {
			continue
		}
		var actions []string
		for range 1 + g.IntN(2) {
			switch keyword {
			case "SET":
				actions = append(actions, g.path()+" = "+g.setValue())
			case "REMOVE": // no list elements: dynalite renumbers a list after each removal
				actions = append(actions, g.pick(attributes...)+g.pick("", ".x", ".y"))
			case "ADD":
				actions = append(actions, g.path()+" "+g.addend("N", "SS", "NS", "BS"))
			default:
				actions = append(actions, g.path()+" "+g.addend("SS", "NS", "BS"))
			}
		}
		clauses = append(clauses, keyword+" "+strings.Join(actions, ", "))
	}
	if clauses == nil {
		return "SET " + g.path() + " = " + g.setValue()
	}
	return strings.Join(clauses, " ")
}

// addend returns a literal of one of these types, or rarely of any type.
func (g *generator) addend(kinds ...string) string {
	if g.chance(3) {
		return g.literal()
	}
	return g.literalOf(kinds...)
}

// member returns a literal for IN. It is not empty, since dynalite does not
// find empty values.
func (g *generator) member(kind string) string {
	name := g.literalOf(kind)
	if v := g.values[name].(object); v["S"] == "" {
		v["S"] = "a"
	}
	return name
}

// literalOf returns a literal of one of these types.
func (g *generator) literalOf(kinds ...string) string {
	name := g.literal()
	for {
		v := g.value(0)
		for _, kind := range kinds {
			if _, ok := v[kind]; ok {
				g.values[name] = v
				return name
			}
		}
	}
}

func (g *generator) setValue() string {
	term := func() string {
		switch g.IntN(5) {
		case 0:
			return g.path()
		case 1:
			return "if_not_exists(" + g.path() + ", " + g.literal() + ")"
		case 2:
			list := g.literal()
			g.values[list] = object{"L": []any{g.value(0)}}
			return "list_append(" + g.pick(g.path(), list) + ", " + list + ")"
		default:
			return g.literal()
		}
	}
	if g.chance(25) {
		one := g.literal()
		g.values[one] = object{"N": g.number()}
		return term() + g.pick(" + ", " - ") + one
	}
	return term()
}
