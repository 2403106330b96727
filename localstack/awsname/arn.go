// Package awsname holds the names, defaults and bounds of AWS that more than
// one service of the local stack needs: partitions, ARNs, request ids, the
// wildcards of IAM, the reserved environment variables of Lambda.
//
// It imports nothing of the stack, so every service can import it. A constant
// that one service needs stays with that service.
package awsname

import "strings"

// The account and region of a stack that names none.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Partition returns the AWS partition of a region: "aws", "aws-cn" or
// "aws-us-gov" (AWS General Reference, "Amazon Resource Names").
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// DNSSuffix returns the domain of the AWS endpoints of a region
// (AWS::URLSuffix).
func DNSSuffix(region string) string {
	if Partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// ARN returns arn:partition:service:region:account:resource. The partition
// follows from the region.
func ARN(service, region, account, resource string) string {
	return PartitionARN(Partition(region), service, region, account, resource)
}

// PartitionARN is [ARN] for resources whose ARN has no region, such as those of
// IAM and S3; region and account may be empty.
func PartitionARN(partition, service, region, account, resource string) string {
	return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource
}

// FunctionName returns the function name in a Lambda ARN or in a name with or
// without a qualifier ("name", "name:alias"). It returns "" for an ARN of
// anything else.
func FunctionName(id string) string {
	if rest, ok := strings.CutPrefix(id, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 6)
		if len(parts) < 6 || parts[1] != "lambda" || parts[4] != "function" {
			return ""
		}
		id = parts[5]
	}
	name, _, _ := strings.Cut(id, ":")
	return name
}
