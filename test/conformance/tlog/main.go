// Command tlog checks a ledger with code that is not Holdfast's: Go's own golang.org/x/mod/sumdb packages and
// Tessera's fsck.
//
//	tlog <folder> <vkey> <key file> < claims.json
//
// It verifies the checkpoint's note, reads the private key's text, runs Tessera's fsck over the folder, and verifies the
// inclusion and consistency proofs on standard input. It prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claims struct {
	Inclusion []struct {
		Index, Size int64
		Root        []byte
		Entry       []byte
		Hashes      [][]byte
	}
	Consistency []struct {
		From, To         int64
		FromRoot, ToRoot []byte
		Hashes           [][]byte
	}
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, vkey, keyFile string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("vkey: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := checkKey(keyFile, raw, opened); err != nil {
		return fmt.Errorf("key file: %w", err)
	}

	fetcher := client.FileFetcher{Root: folder}
	check := fsck.New(verifier.Name(), verifier, fetcher, hashBundle, fsck.Opts{N: 2})
	if err := check.Check(context.Background()); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}

	var given claims
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	for _, c := range given.Inclusion {
		proof := tlog.RecordProof(hashes(c.Hashes))
		if err := tlog.CheckRecord(proof, c.Size, hash(c.Root), c.Index, tlog.RecordHash(c.Entry)); err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", c.Index, c.Size, err)
		}
	}
	for _, c := range given.Consistency {
		proof := tlog.TreeProof(hashes(c.Hashes))
		if err := tlog.CheckTree(proof, c.To, hash(c.ToRoot), c.From, hash(c.FromRoot)); err != nil {
			return fmt.Errorf("consistency from %d to %d: %w", c.From, c.To, err)
		}
	}
	size := strings.Split(opened.Text, "\n")[1]
	fmt.Printf(`{"size":%s,"inclusion":%d,"consistency":%d}`+"\n", size, len(given.Inclusion), len(given.Consistency))
	return nil
}

// checkKey signs the checkpoint's text with the key file: Ed25519 is deterministic, so the note must come out the same.
func checkKey(keyFile string, raw []byte, opened *note.Note) error {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: opened.Text}, signer)
	if err != nil {
		return err
	}
	if string(signed) != string(raw) {
		return fmt.Errorf("signs another note")
	}
	return nil
}

func hashBundle(bundle []byte) ([][]byte, error) {
	entries := &api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	leaves := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		leaves = append(leaves, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return leaves, nil
}

func hashes(raw [][]byte) []tlog.Hash {
	all := make([]tlog.Hash, len(raw))
	for i, bytes := range raw {
		all[i] = hash(bytes)
	}
	return all
}

func hash(bytes []byte) tlog.Hash {
	return tlog.Hash(bytes)
}
