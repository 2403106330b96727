package sam

// authorization reads what $connect asks of a client.
func (l *loader) authorization(parts *apiParts, res *resource, r *Route, stage string) {
	typ := res.props.get("AuthorizationType")
	if !typ.known() || typ.text == "NONE" {
		return
	}
	if r.Key != "$connect" {
		l.fail(typ, "only $connect can be authorized", "remove it from this route")
		return
	}
	switch typ.text {
	case "AWS_IAM":
		r.IAM = true
		return
	case "JWT":
		l.fail(typ, "JWT authorizers are for HTTP APIs", "use CUSTOM with a REQUEST authorizer")
		return
	}
	id := res.props.get("AuthorizerId")
	if id == nil {
		l.fail(typ, "AuthorizerId is missing", "refer to an AWS::ApiGatewayV2::Authorizer")
		return
	}
	authorizer := parts.authorizers[id.scalar()]
	if authorizer == nil {
		if id.known() {
			l.fail(id, quote(id.text)+" is not an authorizer of this API", "refer to one with !Ref Authorizer")
		}
		return
	}
	p := authorizer.props
	if t := p.get("AuthorizerType"); t.scalar() == "JWT" {
		l.fail(t, "JWT authorizers are for HTTP APIs", "use REQUEST with a function")
		return
	}
	a := &Authorizer{
		LogicalID:       authorizer.id,
		ID:              authorizer.ref,
		Name:            p.str("Name"),
		IdentitySources: p.strs("IdentitySource"),
	}
	if f, arn := l.invoked(authorizer, p.get("AuthorizerUri"), "AuthorizerUri"); f != nil {
		a.FunctionLogicalID, a.FunctionARN = f.LogicalID, arn
		// API Gateway names the authorizer as the source, not the route.
		source := l.arn("execute-api", l.plan.Region, parts.api.ref+"/authorizers/"+authorizer.ref)
		a.Permitted = p.str("AuthorizerCredentialsArn") != "" ||
			f.Allows("apigateway.amazonaws.com", source, l.plan.Account)
	}
	r.Authorizer = a
}
