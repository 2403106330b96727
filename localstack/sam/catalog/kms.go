package catalog

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Aliases are built with their keys.
var kmsTypes = []*resource.Type{
	{
		Name: "AWS::KMS::Key",
		Shape: shape.Object(shape.Props{
			"BypassPolicyLockoutSafetyCheck": shape.Bool,
			"Description":                    shape.String,
			"EnableKeyRotation":              shape.Bool,
			"Enabled":                        shape.Bool,
			"KeyPolicy":                      shape.Document,
			"KeySpec": shape.Words("SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072",
				"RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
				"ECC_NIST_EDWARDS25519", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
				"ML_DSA_44", "ML_DSA_65", "ML_DSA_87"),
			"KeyUsage": shape.Words("ENCRYPT_DECRYPT", "SIGN_VERIFY",
				"GENERATE_VERIFY_MAC", "KEY_AGREEMENT"),
			"MultiRegion":          shape.Bool,
			"Origin":               shape.Words("AWS_KMS", "EXTERNAL"),
			"PendingWindowInDays":  shape.Between(7, 30),
			"RotationPeriodInDays": shape.Between(90, 2560),
			"Tags":                 shape.TagList,
		}),
		Identify: identifyKey,
		Build:    build.Keys,
	},
	{
		Name: "AWS::KMS::Alias",
		Shape: shape.Object(shape.Props{
			"AliasName":   shape.Required(shape.String),
			"TargetKeyId": shape.Required(shape.String),
		}),
		Naming:   naming("AliasName", 256, `^alias/[a-zA-Z0-9/_-]+$`),
		Identify: nameOnly,
		BuiltBy:  "AWS::KMS::Key",
	},
}

func identifyKey(s *resource.Set, res *template.Resource) {
	res.Ref = s.UUID(res)
	if res.Properties.BoolOr("MultiRegion", false) {
		res.Ref = "mrk-" + strings.ReplaceAll(res.Ref, "-", "")
	}
	res.Attributes = map[string]string{"Arn": s.ARN("kms", "key/"+res.Ref), "KeyId": res.Ref}
}
