package e2e

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// awsConfig is what the SDK's LoadDefaultConfig makes of AWS_ENDPOINT_URL and
// any credentials.
func awsConfig(url string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("anything", "goes", ""),
		BaseEndpoint: &url,
	}
}
