package kms

import (
	"encoding/json"
	"io"
)

// operation decodes one request, runs it, and returns what [Service.serve]
// returns.
type operation func(s *Service, body io.Reader) (answer any, key string, err error)

// operations holds the operations by name; any other name is an
// UnknownOperationException.
var operations = map[string]operation{
	"CancelKeyDeletion":                   handle((*Service).cancelKeyDeletion),
	"CreateAlias":                         handle((*Service).createAlias),
	"CreateGrant":                         handle((*Service).createGrant),
	"CreateKey":                           handle((*Service).createKey),
	"Decrypt":                             handle((*Service).decrypt),
	"DeleteAlias":                         handle((*Service).deleteAlias),
	"DeriveSharedSecret":                  handle((*Service).deriveSharedSecret),
	"DescribeKey":                         handle((*Service).describeKey),
	"DisableKey":                          handle(stateChange(enable(false))),
	"DisableKeyRotation":                  handle(stateChange(disableRotation)),
	"EnableKey":                           handle(stateChange(enable(true))),
	"EnableKeyRotation":                   handle((*Service).enableKeyRotation),
	"Encrypt":                             handle((*Service).encrypt),
	"GenerateDataKey":                     handle((*Service).generateDataKey),
	"GenerateDataKeyPair":                 handle((*Service).generateDataKeyPair),
	"GenerateDataKeyPairWithoutPlaintext": handle((*Service).generateDataKeyPairWithoutPlaintext),
	"GenerateDataKeyWithoutPlaintext":     handle((*Service).generateDataKeyWithoutPlaintext),
	"GenerateMac":                         handle((*Service).generateMac),
	"GenerateRandom":                      handle((*Service).generateRandom),
	"GetKeyPolicy":                        handle((*Service).getKeyPolicy),
	"GetKeyRotationStatus":                handle((*Service).getKeyRotationStatus),
	"GetPublicKey":                        handle((*Service).getPublicKey),
	"ListAliases":                         handle((*Service).listAliases),
	"ListGrants":                          handle((*Service).listGrants),
	"ListKeyPolicies":                     handle((*Service).listKeyPolicies),
	"ListKeyRotations":                    handle((*Service).listKeyRotations),
	"ListKeys":                            handle((*Service).listKeys),
	"ListResourceTags":                    handle((*Service).listResourceTags),
	"ListRetirableGrants":                 handle((*Service).listRetirableGrants),
	"PutKeyPolicy":                        handle((*Service).putKeyPolicy),
	"ReEncrypt":                           handle((*Service).reEncrypt),
	"RetireGrant":                         handle((*Service).retireGrant),
	"RevokeGrant":                         handle((*Service).revokeGrant),
	"RotateKeyOnDemand":                   handle((*Service).rotateKeyOnDemand),
	"ScheduleKeyDeletion":                 handle((*Service).scheduleKeyDeletion),
	"Sign":                                handle((*Service).sign),
	"TagResource":                         handle((*Service).tagResource),
	"UntagResource":                       handle((*Service).untagResource),
	"UpdateAlias":                         handle((*Service).updateAlias),
	"UpdateKeyDescription":                handle((*Service).updateKeyDescription),
	"Verify":                              handle((*Service).verify),
	"VerifyMac":                           handle((*Service).verifyMac),
}

// keyNamer is an input that names a key: by a KeyId, or by a ciphertext if the
// KeyId is empty.
type keyNamer interface {
	names() (keyID string, ciphertext []byte)
}

// handle returns the operation that decodes an In and runs it. Members that In
// does not have are ignored, as AWS does.
func handle[In any](run func(*Service, In) (any, error)) operation {
	return func(s *Service, body io.Reader) (answer any, key string, err error) {
		var in In
		if err := json.NewDecoder(body).Decode(&in); err != nil {
			return nil, "", errSerialization
		}
		if named, ok := any(in).(keyNamer); ok {
			if k := s.find(named.names()); k != nil {
				key = k.id
			}
		}
		answer, err = run(s, in)
		return answer, key, err
	}
}
