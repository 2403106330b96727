package gateway

import (
	"fmt"
	"testing"
)

func TestA3_5_Policies(t *testing.T) {
	t.Parallel()
	statement := func(effect, action, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":%s,"Resource":%s}`, effect, action, resource)
	}
	const invoke = `"execute-api:Invoke"`
	const api = "arn:aws:execute-api:us-east-1:000000000000:api1"
	for _, test := range []struct {
		statements string
		status     int // 0: admitted
	}{
		{statement("Allow", invoke, `"`+connectARN+`"`), 0},
		{statement("Allow", invoke, `["x","`+connectARN+`"]`), 0},
		{statement("Allow", `["x","execute-api:*"]`, `"*"`), 0},
		{statement("Allow", `"*"`, `"`+api+`/prod/*"`), 0},
		{statement("Allow", `"EXECUTE-API:invoke"`, `"`+api+`/????/$c*t"`), 0},
		{statement("Allow", invoke, `"`+api+`/*/$connect"`), 0},
		{statement("Allow", invoke, `"arn:aws:execute-api:*:*:*/*"`), 0},
		{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}},` +
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":null}`, 0},
		{`{"Effect":"Allow","NotAction":"execute-api:ManageConnections","NotResource":"` + api + `/dev/*"}`, 0},
		{statement("Allow", invoke, `"`+api+`/prod/*/*"`), 403},
		{statement("Allow", invoke, `"`+api+`/dev/*"`), 403},
		{statement("Allow", invoke, `"`+api+`/prod/$CONNECT"`), 403},
		{statement("Allow", invoke, `"`+api+`/prod/???"`), 403},
		{statement("Allow", `"execute-api:ManageConnections"`, `"*"`), 403},
		{`{"Effect":"Allow","NotAction":"execute-api:Inv*","Resource":"*"}`, 403},
		{`{"Effect":"Allow","Action":"*","NotResource":"` + api + `/prod/*"}`, 403},
		{statement("Deny", invoke, `"*"`), 403},
		{statement("Deny", invoke, `"*"`) + "," + statement("Allow", invoke, `"*"`), 403},
		{statement("Allow", invoke, `"*"`) + "," + statement("Deny", invoke, `"`+api+`/prod/*"`), 403},
		{statement("Allow", invoke, `"*"`) + "," + statement("Deny", invoke, `"`+api+`/dev/*"`), 0},
	} {
		result := `{"principalId":"ada","policyDocument":{"Version":"2012-10-17","Statement":[` +
			test.statements + `]}}`
		s := start(t, authorized(result), withAuthorizer())
		_, response, err := s.tryDial("/prod", nil)
		if test.status == 0 && err != nil || test.status != 0 && (err == nil || response.StatusCode != test.status) {
			t.Errorf("%s: got %v, want %d", test.statements, response, test.status)
		}
	}
	s := start(t, authorized(allows("arn:aws:execute-api:us-east-1:000000000000:api1/prod/*/*", "")), withAuthorizer())
	s.wantRefusal("/prod", nil, 403, `{"Message":"User is not authorized to access this resource"}`)
	// A statement may stand without brackets.
	s = start(t, authorized(`{"principalId":"a","policyDocument":{"Statement":`+
		statement("Allow", invoke, `"*"`)+`}}`), withAuthorizer())
	s.dial()
}
