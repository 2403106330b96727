package kms_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/localstack/kms"
)

func TestKeysSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	client, s := start(t, dir)
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Aliases: []string{"alias/app"}}); err != nil {
		t.Fatal(err)
	}
	sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:     aws.String(keyID),
		Plaintext: []byte("kept"),
	})
	if err != nil {
		t.Fatal(err)
	}

	client, s = start(t, dir)
	// Every start of a stack declares its keys.
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Aliases: []string{"alias/app"}}); err != nil {
		t.Fatal(err)
	}
	opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob: sealed.CiphertextBlob,
		KeyId:          aws.String("alias/app"),
	})
	if err != nil || string(opened.Plaintext) != "kept" {
		t.Fatalf("Decrypt after a restart: got %v, want the plaintext", err)
	}
	if runtime.GOOS == "windows" {
		return // no permission bits
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEnsureMovesAnAlias(t *testing.T) {
	client, s := start(t, t.TempDir())
	for _, id := range []string{"first", "second"} {
		if err := s.Ensure(kms.KeyOptions{ID: id, Aliases: []string{"alias/app"}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: aws.String("alias/app")})
	if err != nil || *got.KeyMetadata.KeyId != "second" {
		t.Errorf("DescribeKey of alias/app: got %+v, %v, want the key second", got, err)
	}
}

func TestEnsureRefusesIDsThatAreNoFileNames(t *testing.T) {
	_, s := start(t, t.TempDir())
	for _, id := range []string{"", ".", "../x", "a/b", `a\b`, "a.b", strings.Repeat("a", 129)} {
		if s.Ensure(kms.KeyOptions{ID: id}) == nil {
			t.Errorf("Ensure with the id %q: got no error, want one", id)
		}
	}
}

// Open fails if a key file is damaged: to continue without the key, or with a
// new one in its place, would go unnoticed until data is lost.
func TestOpenRefusesDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"cut short":     func(b []byte) []byte { return b[:len(b)/2] },
		"another key's": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(keyID), []byte("other")) },
		"another version": func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 2`), 1)
		},
		"short material": func(b []byte) []byte {
			i := bytes.Index(b, []byte(`"material": "`)) + len(`"material": "`)
			return append(bytes.Clone(b[:i]), b[i+4:]...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, s := start(t, dir)
			if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, keyID+".key")
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = kms.Open(kms.Options{Dir: dir, Account: "000000000000", Region: "eu-central-1"})
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: got %v, want an error that names %s", err, path)
			}
		})
	}
}
