package iam

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	kmsTarget  = "TrentService."
	maxKMSBody = 256 << 10 // bytes, far above the largest legal request
)

// KMS returns a handler that checks permissions before it calls next, a handler
// of the KMS protocol.
//
// A request needs the permission of its operation's name on its key, in
// whatever form it gives KeyId. Decrypt without a KeyId needs it on the key
// that made the ciphertext. ReEncrypt needs ReEncryptFrom on one key and
// ReEncryptTo on the other. An operation on an alias needs its permission on
// both the alias and its key (service authorization reference, KMS).
func (g *Guard) KMS(next http.Handler) http.Handler {
	return g.wrap(next, middleware{
		kind:        trace.Request,
		permissions: g.kmsPermissions,
		describe:    describeKMS,
		deny:        denyKMS,
	})
}

func describeKMS(r *http.Request, refused permission) trace.Event {
	_, id, _ := strings.Cut(refused.resource, ":key/")
	return trace.Event{Operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), kmsTarget), Resource: id}
}

// kmsRequest has the members of a request that resources and condition keys are
// derived from.
type kmsRequest struct {
	KeyId, TargetKeyId, SourceKeyId, DestinationKeyId         string
	AliasName                                                 string
	CiphertextBlob                                            []byte
	EncryptionContext                                         map[string]string
	SourceEncryptionContext, DestinationEncryptionContext     map[string]string
	EncryptionAlgorithm                                       string
	SourceEncryptionAlgorithm, DestinationEncryptionAlgorithm string
	SigningAlgorithm, MessageType, MacAlgorithm, KeyPairSpec  string
	KeySpec, CustomerMasterKeySpec, KeyUsage, Origin          string
	MultiRegion, BypassPolicyLockoutSafetyCheck               bool
	PendingWindowInDays, RotationPeriodInDays                 *int
	KeyAgreementAlgorithm                                     string
	GrantId, GranteePrincipal, RetiringPrincipal              string
	Operations                                                []string
	Constraints                                               map[string]map[string]string
	Tags                                                      []struct{ TagKey, TagValue string }
	TagKeys                                                   []string
}

// kmsPermissions returns what a request needs. It returns nothing for a request
// that it cannot read; the service refuses it.
func (g *Guard) kmsPermissions(r *http.Request) ([]permission, *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), kmsTarget)
	if !ok || g.opts.Key == nil {
		return nil, r
	}
	body, next, ok := peekBody(r, maxKMSBody)
	if !ok {
		return nil, next
	}
	var in kmsRequest
	if json.Unmarshal(body, &in) != nil {
		return nil, next
	}
	p := kmsPermissions{guard: g, http: httpKeys{r}, in: &in}
	switch operation {
	case "CreateKey", "GenerateRandom", "ListKeys", "ListAliases", "ListRetirableGrants",
		"CreateCustomKeyStore", "DescribeCustomKeyStores":
		p.list = append(p.list, permission{"kms:" + operation, "*", &kmsKeys{
			http:    p.http,
			guard:   g,
			in:      &in,
			creates: operation == "CreateKey",
		}})
	case "CreateAlias":
		p.alias(operation)
		p.key(operation, in.TargetKeyId, nil)
	case "UpdateAlias":
		p.alias(operation)
		p.key(operation, in.AliasName, nil)
		p.key(operation, in.TargetKeyId, nil)
	case "DeleteAlias":
		p.alias(operation)
		p.key(operation, in.AliasName, nil)
	case "Decrypt":
		p.key(operation, in.KeyId, in.CiphertextBlob)
	case "ReEncrypt":
		from, to := in, in
		from.EncryptionContext = in.SourceEncryptionContext
		from.EncryptionAlgorithm = in.SourceEncryptionAlgorithm
		to.EncryptionContext = in.DestinationEncryptionContext
		to.EncryptionAlgorithm = in.DestinationEncryptionAlgorithm
		p.in = &from
		p.key("ReEncryptFrom", in.SourceKeyId, in.CiphertextBlob)
		p.in = &to
		p.key("ReEncryptTo", in.DestinationKeyId, nil)
	default:
		p.key(operation, in.KeyId, nil)
	}
	return p.list, next
}

// kmsPermissions collects what one request needs.
type kmsPermissions struct {
	guard *Guard
	http  httpKeys
	in    *kmsRequest
	list  []permission
}

// key appends an action on a key. It ignores a key that does not exist.
func (p *kmsPermissions) key(action, keyID string, ciphertext []byte) {
	if keyID == "" && ciphertext == nil {
		return
	}
	if k, ok := p.guard.opts.Key(keyID, ciphertext); ok {
		p.list = append(p.list, permission{"kms:" + action, k.ARN, &kmsKeys{
			http:  p.http,
			guard: p.guard,
			in:    p.in,
			key:   &k,
			named: keyID,
		}})
	}
}

// alias appends an action on the alias of the request.
func (p *kmsPermissions) alias(action string) {
	if strings.HasPrefix(p.in.AliasName, "alias/") {
		p.list = append(p.list, permission{"kms:" + action, p.guard.arn("kms", p.in.AliasName), p.http})
	}
}

// kmsKeys are the condition keys of a KMS request (KMS developer guide,
// "Condition keys for AWS KMS"). kms:ViaService is absent, since functions call
// KMS themselves.
type kmsKeys struct {
	http    httpKeys
	guard   *Guard
	in      *kmsRequest
	key     *Key   // nil if the request names no key
	named   string // the KeyId of the request
	creates bool   // CreateKey, whose request has the properties of the key
}

func (k *kmsKeys) lookup(name string) ([]string, bool) {
	if context, ok := strings.CutPrefix(name, "kms:encryptioncontext:"); ok {
		return k.encryptionContext(context)
	}
	if values, ok := k.ofRequest(name); ok {
		return values, true
	}
	if values, ok := k.ofKey(name); ok {
		return values, true
	}
	if values, ok := k.ofGrant(name); ok {
		return values, true
	}
	if values, ok := k.ofTags(name); ok {
		return values, true
	}
	return k.http.lookup(name)
}

// encryptionContext returns the value of a key of the encryption context. Case
// does not matter in names.
func (k *kmsKeys) encryptionContext(name string) ([]string, bool) {
	for n, value := range k.in.EncryptionContext {
		if strings.EqualFold(n, name) {
			return []string{value}, true
		}
	}
	return nil, false
}

// ofRequest returns the condition keys about the request.
func (k *kmsKeys) ofRequest(name string) ([]string, bool) {
	value := ""
	switch name {
	case "kms:encryptioncontextkeys":
		return slices.Sorted(maps.Keys(k.in.EncryptionContext)), len(k.in.EncryptionContext) > 0
	case "kms:calleraccount":
		value = k.guard.opts.Account
	case "kms:encryptionalgorithm":
		value = k.in.EncryptionAlgorithm
		if value == "" && k.key != nil && k.key.Usage == "ENCRYPT_DECRYPT" {
			value = "SYMMETRIC_DEFAULT"
		}
	case "kms:signingalgorithm":
		value = k.in.SigningAlgorithm
	case "kms:messagetype":
		value = k.in.MessageType
	case "kms:macalgorithm":
		value = k.in.MacAlgorithm
	case "kms:datakeypairspec":
		value = k.in.KeyPairSpec
	case "kms:requestalias":
		if i := strings.Index(k.named, "alias/"); i >= 0 {
			value = k.named[i:]
		}
	case "kms:schedulekeydeletionpendingwindowindays":
		if k.in.PendingWindowInDays != nil {
			value = strconv.Itoa(*k.in.PendingWindowInDays)
		}
	case "kms:rotationperiodindays":
		if k.in.RotationPeriodInDays != nil {
			value = strconv.Itoa(*k.in.RotationPeriodInDays)
		}
	case "kms:keyagreementalgorithm":
		value = k.in.KeyAgreementAlgorithm
	case "kms:bypasspolicylockoutsafetycheck":
		value = strconv.FormatBool(k.in.BypassPolicyLockoutSafetyCheck)
	}
	return []string{value}, value != ""
}

// ofGrant returns the condition keys about the grant that the request makes.
func (k *kmsKeys) ofGrant(name string) ([]string, bool) {
	switch name {
	case "kms:granteeprincipal":
		return []string{k.in.GranteePrincipal}, k.in.GranteePrincipal != ""
	case "kms:retiringprincipal":
		return []string{k.in.RetiringPrincipal}, k.in.RetiringPrincipal != ""
	case "kms:grantoperations":
		return k.in.Operations, len(k.in.Operations) > 0
	case "kms:grantconstrainttype":
		return slices.Sorted(maps.Keys(k.in.Constraints)), len(k.in.Constraints) > 0
	}
	return nil, false
}

// ofTags returns the condition keys about the tags of the request and of the
// key.
func (k *kmsKeys) ofTags(name string) ([]string, bool) {
	if name == "aws:tagkeys" {
		names := slices.Clone(k.in.TagKeys)
		for _, t := range k.in.Tags {
			names = append(names, t.TagKey)
		}
		return names, len(names) > 0
	}
	if tag, ok := strings.CutPrefix(name, "aws:requesttag/"); ok {
		for _, t := range k.in.Tags {
			if strings.EqualFold(t.TagKey, tag) {
				return []string{t.TagValue}, true
			}
		}
	}
	if tag, ok := strings.CutPrefix(name, "aws:resourcetag/"); ok && k.key != nil {
		for key, value := range k.key.Tags {
			if strings.EqualFold(key, tag) {
				return []string{value}, true
			}
		}
	}
	return nil, false
}

// ofKey returns the condition keys about the key that is used or created.
func (k *kmsKeys) ofKey(name string) ([]string, bool) {
	key := k.key
	switch {
	case k.creates:
		key = &Key{
			Spec:        cmp.Or(k.in.KeySpec, k.in.CustomerMasterKeySpec, "SYMMETRIC_DEFAULT"),
			Usage:       cmp.Or(k.in.KeyUsage, "ENCRYPT_DECRYPT"),
			Origin:      cmp.Or(k.in.Origin, "AWS_KMS"),
			MultiRegion: k.in.MultiRegion,
		}
	case key == nil:
		return nil, false
	}
	switch name {
	case "kms:keyspec":
		return []string{key.Spec}, key.Spec != ""
	case "kms:keyusage":
		return []string{key.Usage}, key.Usage != ""
	case "kms:keyorigin":
		return []string{key.Origin}, key.Origin != ""
	case "kms:multiregion":
		return []string{strconv.FormatBool(key.MultiRegion)}, true
	case "kms:resourcealiases":
		return key.Aliases, len(key.Aliases) > 0
	}
	return nil, false
}

func denyKMS(w http.ResponseWriter, d *Denied, requestID string) int {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string
	}{accessDenied, d.Error()})
	if err != nil {
		panic(err) // cannot happen: two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only if the client has gone
	return http.StatusBadRequest
}
