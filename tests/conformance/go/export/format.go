package main

// proof.json as VERIFY.txt tells it; binary is standard base64 with padding, and only in its one spelling.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

type binaryText []byte

func (b *binaryText) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return err
	}
	data, err := base64.StdEncoding.Strict().DecodeString(*text)
	if err != nil || base64.StdEncoding.EncodeToString(data) != *text {
		return fmt.Errorf("not base64")
	}
	*b = data
	return nil
}

func plain(path []binaryText) [][]byte {
	found := make([][]byte, len(path))
	for at, node := range path {
		found[at] = node
	}
	return found
}

type proof struct {
	Authority struct{ Vkey string }
	Shards    []shard
}

type shard struct {
	Origin string
	Log    struct{ Checkpoint string }
	Start  struct {
		Leaf, Salt, Event binaryText
		Proof             []binaryText
	}
	Index    index
	Subjects []subject
}

type index struct {
	Checkpoint string
	Leaf       binaryText
	Position   int64
	Proof      []binaryText
	Root       binaryText
	Size       int64
}

type subject struct {
	Subject    string
	Proof      binaryText `json:"vrf_proof"`
	Label      binaryText
	Position   *int64       `json:"label_position"`
	LabelProof []binaryText `json:"label_proof"`
	Entries    []entry
	Absence    *absence
}

type entry struct {
	Index             int64
	Leaf, Salt, Event binaryText
	Proof             []binaryText
	Withheld          *string
}

type absence struct{ Left, Right *side }

type side struct {
	Leaf     binaryText
	Position int64
	Proof    []binaryText
}

func (s side) label() []byte {
	header := len("einmal/index/v1\x00")
	if len(s.Leaf) != header+32+8+32 {
		return nil
	}
	return s.Leaf[header : header+32]
}

// checked is a shard whose keys and heads hold; its leaves that were proved, by their index.
type checked struct {
	origin      string
	log, output tree
	vrf         []byte
	leaves      map[int64]tlog.Hash
}
