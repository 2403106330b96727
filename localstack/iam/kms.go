package iam

import (
	"cmp"
	"encoding/json"
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

// KMS guards a handler of the KMS protocol. A request needs its own action on
// its key, whatever form of KeyId it has; Decrypt without one needs it on the
// key that the ciphertext is of. ReEncrypt needs ReEncryptFrom on one key and
// ReEncryptTo on the other; operations on an alias need theirs on both the
// alias and its key (service authorization reference, KMS).
func (g *Guard) KMS(next http.Handler) http.Handler {
	return g.wrap(next, guard{kind: trace.Request, demands: g.kmsDemands, describe: describeKMS, deny: denyKMS})
}

func describeKMS(r *http.Request, refused demand) trace.Event {
	_, id, _ := strings.Cut(refused.resource, ":key/")
	return trace.Event{Operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), kmsTarget), Resource: id}
}

// kmsRequest has the members that decide about resources and condition keys.
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
	PendingWindowInDays                                       *int
}

func (g *Guard) kmsDemands(r *http.Request) ([]demand, *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), kmsTarget)
	if !ok || g.opts.Key == nil {
		return nil, r
	}
	body, on, ok := takeBody(r, maxKMSBody)
	if !ok {
		return nil, on
	}
	var in kmsRequest
	if json.Unmarshal(body, &in) != nil {
		return nil, on
	}
	d := kmsDemands{guard: g, http: httpKeys{r}, in: &in}
	switch operation {
	case "CreateKey", "GenerateRandom", "ListKeys", "ListAliases", "ListRetirableGrants",
		"CreateCustomKeyStore", "DescribeCustomKeyStores":
		d.list = append(d.list, demand{"kms:" + operation, "*", &kmsKeys{
			http:    d.http,
			guard:   g,
			in:      &in,
			creates: operation == "CreateKey",
		}})
	case "CreateAlias":
		d.alias(operation)
		d.key(operation, in.TargetKeyId, nil)
	case "UpdateAlias":
		d.alias(operation)
		d.key(operation, in.AliasName, nil)
		d.key(operation, in.TargetKeyId, nil)
	case "DeleteAlias":
		d.alias(operation)
		d.key(operation, in.AliasName, nil)
	case "Decrypt":
		d.key(operation, in.KeyId, in.CiphertextBlob)
	case "ReEncrypt":
		from, to := in, in
		from.EncryptionContext, from.EncryptionAlgorithm = in.SourceEncryptionContext, in.SourceEncryptionAlgorithm
		to.EncryptionContext, to.EncryptionAlgorithm = in.DestinationEncryptionContext, in.DestinationEncryptionAlgorithm
		d.in = &from
		d.key("ReEncryptFrom", in.SourceKeyId, in.CiphertextBlob)
		d.in = &to
		d.key("ReEncryptTo", in.DestinationKeyId, nil)
	default:
		d.key(operation, in.KeyId, nil)
	}
	return d.list, on
}

// kmsDemands collects what one request needs.
type kmsDemands struct {
	guard *Guard
	http  httpKeys
	in    *kmsRequest
	list  []demand
}

func (d *kmsDemands) key(action, keyID string, ciphertext []byte) {
	if keyID == "" && ciphertext == nil {
		return
	}
	if k, ok := d.guard.opts.Key(keyID, ciphertext); ok {
		d.list = append(d.list, demand{"kms:" + action, k.ARN, &kmsKeys{
			http:  d.http,
			guard: d.guard,
			in:    d.in,
			key:   &k,
			named: keyID,
		}})
	}
}

func (d *kmsDemands) alias(action string) {
	if strings.HasPrefix(d.in.AliasName, "alias/") {
		d.list = append(d.list, demand{"kms:" + action,
			d.guard.arn("kms", d.guard.opts.Region, d.in.AliasName), d.http})
	}
}

// kmsKeys are the condition keys of a KMS request (KMS developer guide,
// "Condition keys for AWS KMS"). kms:ViaService is absent, since functions call
// KMS themselves.
type kmsKeys struct {
	http    httpKeys
	guard   *Guard
	in      *kmsRequest
	key     *Key   // nil if the request is about no key
	named   string // how the request names it
	creates bool   // CreateKey, whose request has the properties of the key
}

func (k *kmsKeys) lookup(name string) ([]string, bool) {
	some := func(value string) ([]string, bool) { return []string{value}, value != "" }
	switch name {
	case "kms:calleraccount":
		return some(k.guard.opts.Account)
	case "kms:encryptioncontextkeys":
		var names []string
		for n := range k.in.EncryptionContext {
			names = append(names, n)
		}
		slices.Sort(names)
		return names, names != nil
	case "kms:encryptionalgorithm":
		if k.in.EncryptionAlgorithm == "" && k.key != nil && k.key.Usage == "ENCRYPT_DECRYPT" {
			return some("SYMMETRIC_DEFAULT")
		}
		return some(k.in.EncryptionAlgorithm)
	case "kms:signingalgorithm":
		return some(k.in.SigningAlgorithm)
	case "kms:messagetype":
		return some(k.in.MessageType)
	case "kms:macalgorithm":
		return some(k.in.MacAlgorithm)
	case "kms:datakeypairspec":
		return some(k.in.KeyPairSpec)
	case "kms:requestalias":
		if i := strings.Index(k.named, "alias/"); i >= 0 {
			return some(k.named[i:])
		}
		return nil, false
	case "kms:schedulekeydeletionpendingwindowindays":
		if k.in.PendingWindowInDays == nil {
			return nil, false
		}
		return some(strconv.Itoa(*k.in.PendingWindowInDays))
	case "kms:bypasspolicylockoutsafetycheck":
		return some(strconv.FormatBool(k.in.BypassPolicyLockoutSafetyCheck))
	}
	if of, ok := strings.CutPrefix(name, "kms:encryptioncontext:"); ok {
		for n, value := range k.in.EncryptionContext {
			if strings.EqualFold(n, of) {
				return []string{value}, true
			}
		}
		return nil, false
	}
	if values, ok := k.ofKey(name); ok {
		return values, true
	}
	return k.http.lookup(name)
}

// ofKey answers for the properties of the key that is used or made.
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
		panic(err) // two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only for a client that has gone
	return http.StatusBadRequest
}
