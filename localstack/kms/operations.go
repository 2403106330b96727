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
	"CancelKeyDeletion":               handle((*Service).cancelKeyDeletion),
	"CreateAlias":                     handle((*Service).createAlias),
	"CreateKey":                       handle((*Service).createKey),
	"Decrypt":                         handle((*Service).decrypt),
	"DeleteAlias":                     handle((*Service).deleteAlias),
	"DescribeKey":                     handle((*Service).describeKey),
	"DisableKey":                      handle(stateChange(enable(false))),
	"DisableKeyRotation":              handle(stateChange(enableRotation(false))),
	"EnableKey":                       handle(stateChange(enable(true))),
	"EnableKeyRotation":               handle(stateChange(enableRotation(true))),
	"Encrypt":                         handle((*Service).encrypt),
	"GenerateDataKey":                 handle((*Service).generateDataKey),
	"GenerateDataKeyWithoutPlaintext": handle((*Service).generateDataKeyWithoutPlaintext),
	"GenerateMac":                     handle((*Service).generateMac),
	"GenerateRandom":                  handle((*Service).generateRandom),
	"GetKeyRotationStatus":            handle((*Service).getKeyRotationStatus),
	"GetPublicKey":                    handle((*Service).getPublicKey),
	"ListAliases":                     handle((*Service).listAliases),
	"ListKeys":                        handle((*Service).listKeys),
	"ReEncrypt":                       handle((*Service).reEncrypt),
	"ScheduleKeyDeletion":             handle((*Service).scheduleKeyDeletion),
	"Sign":                            handle((*Service).sign),
	"UpdateAlias":                     handle((*Service).updateAlias),
	"Verify":                          handle((*Service).verify),
	"VerifyMac":                       handle((*Service).verifyMac),
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
