package plan

// Key is a KMS key.
type Key struct {
	Origin
	LogicalID string
	// ID is a UUID.
	ID, ARN string
	// Aliases start with "alias/".
	Aliases []string
	// Spec is the key spec, such as SYMMETRIC_DEFAULT or RSA_3072.
	Spec string
	// Usage is ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC or
	// KEY_AGREEMENT.
	Usage          string
	EnableRotation bool
	// RotationPeriodInDays is 0 for the default.
	RotationPeriodInDays int
	Enabled              bool
	Description          string
	MultiRegion          bool
	Tags                 map[string]string
	// Policy is the key policy. It is nil if the template has none; then KMS's
	// default applies and the IAM policies of the account decide.
	Policy *Policy
}
