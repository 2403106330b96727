package stack

import (
	"path"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// roles returns the execution roles by function name.
func roles(plan *sam.Plan) map[string]iam.Role {
	roles := make(map[string]iam.Role, len(plan.Functions))
	for _, f := range plan.Functions {
		roles[f.Name] = iam.Role{
			ARN:        f.Role.ARN,
			Name:       f.Role.Name,
			External:   f.Role.LogicalID == "",
			Managed:    f.Role.ManagedPolicies,
			Boundary:   f.Role.PermissionsBoundary,
			Statements: roleStatements(f),
		}
	}
	return roles
}

func roleStatements(f sam.Function) []iam.Statement {
	var list []iam.Statement
	for _, p := range f.Role.Policies {
		list = append(list, statements(p)...)
	}
	return list
}

// resourcePolicies returns the policies of keys and tables by ARN.
func resourcePolicies(plan *sam.Plan) map[string][]iam.Statement {
	policies := make(map[string][]iam.Statement)
	for _, k := range plan.Keys {
		if k.Policy != nil {
			policies[k.ARN] = statements(*k.Policy)
		}
	}
	for _, t := range plan.Tables {
		if t.ResourcePolicy != nil {
			policies[t.ARN] = statements(*t.ResourcePolicy)
		}
	}
	return policies
}

func statements(p sam.Policy) []iam.Statement {
	var list []iam.Statement
	for _, s := range p.Statements {
		list = append(list, iam.Statement{
			Version:      p.Version,
			Sid:          s.Sid,
			Effect:       s.Effect,
			Action:       s.Action,
			NotAction:    s.NotAction,
			Resource:     s.Resource,
			NotResource:  s.NotResource,
			Principal:    s.Principal,
			NotPrincipal: s.NotPrincipal,
			Condition:    s.Condition,
		})
	}
	return list
}

// templateName returns how the template of a function refers to the resource
// with that ARN, or "" if that template does not have it.
func templateName(plan *sam.Plan, function, arn string) string {
	stack := ""
	if f := plan.Function(function); f != nil {
		stack, _ = path.Split(f.LogicalID)
	}
	id, format := reference(plan, arn)
	if id, ok := strings.CutPrefix(id, stack); ok && id != "" && !strings.Contains(id, "/") {
		return strings.Replace(format, "ID", id, 1)
	}
	return ""
}

// reference returns the logical id of the resource with that ARN, and the form
// of a reference to it with ID in the place of the logical id. Both are empty
// if the templates do not have it.
func reference(plan *sam.Plan, arn string) (id, format string) {
	for _, t := range plan.Tables {
		if index, ok := strings.CutPrefix(arn, t.ARN+"/index/"); ok {
			return t.LogicalID, "!Sub ${ID.Arn}/index/" + index
		}
		switch arn {
		case t.ARN:
			return t.LogicalID, "!GetAtt ID.Arn"
		case t.StreamARN:
			return t.LogicalID, "!GetAtt ID.StreamArn"
		}
	}
	for _, k := range plan.Keys {
		if arn == k.ARN {
			return k.LogicalID, "!GetAtt ID.Arn"
		}
	}
	for _, f := range plan.Functions {
		switch {
		case arn == f.ARN:
			return f.LogicalID, "!GetAtt ID.Arn"
		case strings.HasPrefix(arn, f.ARN+":"):
			return f.LogicalID, "!Sub ${ID.Arn}" + arn[len(f.ARN):]
		}
	}
	for _, a := range plan.APIs {
		if _, rest, ok := strings.Cut(arn, ":execute-api:"+plan.Region+":"+plan.Account+":"+a.ID+"/"); ok {
			return a.LogicalID, "!Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ID}/" + rest
		}
	}
	return "", ""
}

// partitionKey returns the name of the partition key of a table or, unless
// index is empty, of one of its indexes; "" if the template does not declare
// it.
func partitionKey(plan *sam.Plan, table, index string) string {
	for _, t := range plan.Tables {
		if t.Name != table {
			continue
		}
		if index == "" {
			return hashKey(t.KeySchema)
		}
		for _, x := range slices.Concat(t.GlobalSecondaryIndexes, t.LocalSecondaryIndexes) {
			if x.Name == index {
				return hashKey(x.KeySchema)
			}
		}
	}
	return ""
}

func hashKey(schema []sam.KeyElement) string {
	for _, e := range schema {
		if e.Type == "HASH" {
			return e.Name
		}
	}
	return ""
}

// keyFacts returns what policy conditions can test of a KMS key.
func keyFacts(keys *kms.Service, keyID string, ciphertext []byte) (iam.Key, bool) {
	k, ok := keys.Lookup(keyID, ciphertext)
	grants := make([]iam.Grant, len(k.Grants))
	for i, g := range k.Grants {
		grants[i] = iam.Grant(g)
	}
	return iam.Key{
		ARN:         k.ARN,
		Aliases:     k.Aliases,
		Spec:        k.Spec,
		Usage:       k.Usage,
		Origin:      k.Origin,
		MultiRegion: k.MultiRegion,
		Tags:        k.Tags,
		Policy:      k.Policy,
		Grants:      grants,
	}, ok
}
