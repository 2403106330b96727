package kms_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/localstack/kms"
)

// A test or a program serves the keys of a folder and uses them with the AWS
// SDK.
func Example() {
	dir, err := os.MkdirTemp("", "keys-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	service, err := kms.Open(kms.Options{Dir: dir, Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		log.Fatal(err)
	}
	if err := service.Ensure(kms.KeyOptions{ID: "master", Aliases: []string{"alias/app"}}); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(service)
	defer server.Close()

	client := awskms.New(awskms.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	sealed, err := client.Encrypt(context.Background(), &awskms.EncryptInput{
		KeyId:     aws.String("alias/app"),
		Plaintext: []byte("hello"),
	})
	if err != nil {
		log.Fatal(err)
	}
	opened, err := client.Decrypt(context.Background(), &awskms.DecryptInput{
		CiphertextBlob: sealed.CiphertextBlob,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, with %s\n", opened.Plaintext, *opened.KeyId)
	// Output: hello, with arn:aws:kms:us-east-1:000000000000:key/master
}
