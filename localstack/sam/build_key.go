package sam

import "strings"

// keys reads the KMS keys and gives them their aliases.
func (l *loader) keys() {
	at := map[string]int{} // key id or ARN
	for _, res := range l.live("AWS::KMS::Key") {
		p := res.props
		spec := p.strOr("KeySpec", "SYMMETRIC_DEFAULT") // KMS's defaults
		usage := p.strOr("KeyUsage", "ENCRYPT_DECRYPT")
		l.checkUsage(res, spec, usage)
		at[res.ref], at[res.attrs["Arn"]] = len(l.plan.Keys), len(l.plan.Keys)
		l.plan.Keys = append(l.plan.Keys, Key{
			origin:         l.origin(res),
			LogicalID:      res.id,
			ID:             res.ref,
			ARN:            res.attrs["Arn"],
			Spec:           spec,
			Usage:          usage,
			EnableRotation: p.boolOr("EnableKeyRotation", false),
			Enabled:        p.boolOr("Enabled", true),
			Description:    p.str("Description"),
			MultiRegion:    p.boolOr("MultiRegion", false),
			Policy:         l.keyPolicy(res),
		})
	}
	owner := map[string]string{}
	for _, res := range l.live("AWS::KMS::Alias") {
		name, target := res.props.get("AliasName"), res.props.get("TargetKeyId")
		if !name.known() || !target.known() {
			continue
		}
		if other, ok := owner[name.text]; ok {
			l.fail(name, "the alias is also that of "+other, "give each alias its own name")
			continue
		}
		owner[name.text] = res.id
		if strings.HasPrefix(name.text, "alias/aws/") {
			l.fail(name, "aliases below alias/aws/ are AWS's", "choose another name")
			continue
		}
		i, ok := at[target.text]
		if !ok {
			l.fail(target, quote(target.text)+" is not a key of this template", "refer to one with !Ref Key")
			continue
		}
		l.plan.Keys[i].Aliases = append(l.plan.Keys[i].Aliases, name.text)
	}
}

// keyPolicy reads a key policy. An empty one, which KMS refuses, is no policy.
func (l *loader) keyPolicy(res *resource) *Policy {
	doc := res.props.get("KeyPolicy")
	if doc == nil || doc.kind == object && len(doc.fields) == 0 {
		return nil
	}
	return l.resourcePolicy(res.id, doc)
}

// checkUsage refuses combinations that CreateKey refuses (KMS developer
// guide, key spec reference).
func (l *loader) checkUsage(res *resource, spec, usage string) {
	var allowed []string
	switch {
	case spec == "SYMMETRIC_DEFAULT":
		allowed = []string{"ENCRYPT_DECRYPT"}
	case strings.HasPrefix(spec, "RSA_"):
		allowed = []string{"ENCRYPT_DECRYPT", "SIGN_VERIFY"}
	case strings.HasPrefix(spec, "ECC_NIST_P"):
		allowed = []string{"SIGN_VERIFY", "KEY_AGREEMENT"}
	case spec == "SM2":
		allowed = []string{"ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"}
	case strings.HasPrefix(spec, "HMAC_"):
		allowed = []string{"GENERATE_VERIFY_MAC"}
	default:
		allowed = []string{"SIGN_VERIFY"}
	}
	for _, a := range allowed {
		if a == usage {
			return
		}
	}
	at := res.props.get("KeyUsage")
	if at == nil {
		at = res.at
	}
	l.fail(at, "a key of spec "+spec+" cannot be used for "+usage, "use KeyUsage: "+oneOf(allowed))
}
