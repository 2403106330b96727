package kms

import "crypto/hmac"

type macInput struct {
	KeyId        string
	Message      []byte
	MacAlgorithm string
	DryRun       bool
}

func (in macInput) names() (string, []byte) { return in.KeyId, nil }

type generateMacOutput struct {
	KeyId        string
	Mac          []byte
	MacAlgorithm string
}

func (s *Service) generateMac(in macInput) (any, error) {
	k, mac, err := s.mac("GenerateMac", in)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return generateMacOutput{KeyId: k.arn, Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

type verifyMacInput struct {
	macInput
	Mac []byte
}

type verifyMacOutput struct {
	KeyId        string
	MacValid     bool
	MacAlgorithm string
}

func (s *Service) verifyMac(in verifyMacInput) (any, error) {
	k, mac, err := s.mac("VerifyMac", in.macInput)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, errInvalidMAC
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return verifyMacOutput{KeyId: k.arn, MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}

// mac checks the request and computes the HMAC (RFC 2104).
func (s *Service) mac(operation string, in macInput) (*key, []byte, error) {
	switch {
	case len(in.Message) == 0:
		return nil, nil, errConstraint("message", "must have length greater than or equal to 1")
	case len(in.Message) > maxMessage:
		return nil, nil, errConstraint("message", "must have length less than or equal to 4096")
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, nil, e
	}
	if err := s.checkUse(k, operation, macUsage, in.MacAlgorithm); err != nil {
		return nil, nil, err
	}
	h := hmac.New(hashOf(in.MacAlgorithm).New, k.material)
	h.Write(in.Message)
	return k, h.Sum(nil), nil
}
