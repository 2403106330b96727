package build

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/check"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Keys builds AWS::KMS::Key with its aliases.
func Keys(s *resource.Set) {
	index := map[string]int{} // in the plan, by key id and by ARN
	for _, res := range s.Active("AWS::KMS::Key") {
		k := key(s, res)
		index[k.ID], index[k.ARN] = len(s.Plan.Keys), len(s.Plan.Keys)
		s.Plan.Keys = append(s.Plan.Keys, k)
	}
	owner := map[string]string{} // of an alias
	for _, res := range s.Active("AWS::KMS::Alias") {
		name, target := res.Properties.Get("AliasName"), res.Properties.Get("TargetKeyId")
		if !name.Known() || !target.Known() {
			continue
		}
		other, taken := owner[name.Text]
		i, found := index[target.Text]
		switch {
		case taken:
			s.Fail(name, "the alias is already used by "+other, "give each alias its own name")
			continue
		case strings.HasPrefix(name.Text, "alias/aws/"):
			s.Fail(name, "aliases that start with alias/aws/ are reserved for AWS", "choose another name")
		case !found:
			s.Fail(target, template.Quote(target.Text)+" is not a key of this template", "refer to one with !Ref Key")
		default:
			s.Plan.Keys[i].Aliases = append(s.Plan.Keys[i].Aliases, name.Text)
		}
		owner[name.Text] = res.ID
	}
}

// key reads a key. The defaults are those of CreateKey.
func key(s *resource.Set, res *template.Resource) plan.Key {
	p := res.Properties
	k := plan.Key{
		Origin:               s.Origin(res),
		LogicalID:            s.LogicalID(res),
		ID:                   res.Ref,
		ARN:                  res.Attributes["Arn"],
		Spec:                 p.StrOr("KeySpec", "SYMMETRIC_DEFAULT"),
		Usage:                p.StrOr("KeyUsage", "ENCRYPT_DECRYPT"),
		EnableRotation:       p.BoolOr("EnableKeyRotation", false),
		Enabled:              p.BoolOr("Enabled", true),
		Description:          p.Str("Description"),
		MultiRegion:          p.BoolOr("MultiRegion", false),
		RotationPeriodInDays: p.IntOr("RotationPeriodInDays", 0),
	}
	for _, t := range p.Each("Tags") {
		if k.Tags == nil {
			k.Tags = map[string]string{}
		}
		k.Tags[t.Str("Key")] = t.Str("Value")
	}
	check.KeyUsage(s, res, k.Spec, k.Usage)
	// KMS refuses an empty policy; here it counts as none.
	if doc := p.Get("KeyPolicy"); !doc.Is(template.Object) || len(doc.Fields) > 0 {
		k.Policy = resourcePolicy(s, res.ID, doc)
	}
	return k
}
