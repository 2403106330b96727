package sam

// build fills the plan from the resolved resources, in the template's order.
func (l *loader) build() {
	roles := l.roles()
	for _, res := range l.live("AWS::Lambda::Function") {
		l.plan.Functions = append(l.plan.Functions, l.function(res, roles))
	}
	l.invokeConfigs()
	l.permissions()
	for _, res := range l.live("AWS::DynamoDB::Table") {
		l.plan.Tables = append(l.plan.Tables, l.table(res))
	}
	l.keys()
	l.schedules()
	l.eventSources()
	l.apis()
	l.domains()
	l.apiKeys()
	l.checkNamesTaken()
	l.unreached()
}

// live lists the resources of a type that are created, with known names.
func (l *loader) live(typ string) []*resource {
	var out []*resource
	for _, res := range l.order {
		if res.typ == typ && !res.off && !res.broken {
			out = append(out, res)
		}
	}
	return out
}

// targetFunction finds the function that an ARN or name refers to. If it is
// not in the template, that is a mistake: nothing else could run it.
func (l *loader) targetFunction(v *value) *Function {
	if v == nil || v.kind == unknown {
		return nil
	}
	f := l.plan.Function(v.scalar())
	if f == nil {
		l.fail(v, quote(v.scalar())+" is not a function of this template", "refer to one with !GetAtt Function.Arn")
	}
	return f
}
