package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
)

// Problem is what is asked: Kubernetes objects as Kubernetes writes them, and a catalogue.
type Problem struct {
	Options Options `json:"options"`
	// WellKnownLabels are the provider's own: a type that lacks one gets DoesNotExist for it.
	WellKnownLabels []string `json:"wellKnownLabels,omitempty"`
	// ReservationIDLabel is the label by which offerings of capacity type "reserved" name, in their requirements, what they draw from.
	ReservationIDLabel string         `json:"reservationIdLabel,omitempty"`
	InstanceTypes      []InstanceType `json:"instanceTypes"`
	// NodePoolTypes names the types that a NodePool may have; one that is not named may have all.
	NodePoolTypes map[string][]string `json:"nodePoolInstanceTypes,omitempty"`
	NodePools     []*v1.NodePool      `json:"nodePools"`
	// Pods with a spec.nodeName run there, others wait.
	Pods  []*corev1.Pod  `json:"pods"`
	Nodes []*corev1.Node `json:"nodes,omitempty"`
	// NodeClaims are made up for nodes of a NodePool that have none.
	NodeClaims []*v1.NodeClaim     `json:"nodeClaims,omitempty"`
	DaemonSets []*appsv1.DaemonSet `json:"daemonSets,omitempty"`
	// Objects of any other kind that the scheduler reads: PersistentVolumeClaim, StorageClass, CSINode, Namespace and so on.
	Objects []json.RawMessage `json:"objects,omitempty"`
	// Meta is for whoever made the problem.
	Meta map[string]any `json:"meta,omitempty"`
}

type Options struct {
	PreferencePolicy string `json:"preferencePolicy,omitempty"` // Respect (default) or Ignore
	MinValuesPolicy  string `json:"minValuesPolicy,omitempty"`  // Strict (default) or BestEffort
	// Concurrency counts the workers of Solve. Karpenter has one for each whole CPU it requests: 1 by default.
	Concurrency int  `json:"concurrency,omitempty"`
	SpotToSpot  bool `json:"spotToSpot,omitempty"`
}

type InstanceType struct {
	Name string `json:"name"`
	// Capacity must say how many pods fit: Karpenter takes a resource that is not named for 0.
	Capacity corev1.ResourceList `json:"capacity"`
	Overhead corev1.ResourceList `json:"overhead,omitempty"`
	// Labels are requirements of one value.
	Labels map[string]string `json:"labels,omitempty"`
	// Requirements get arch amd64 and os linux where they say nothing of them.
	Requirements []corev1.NodeSelectorRequirement `json:"requirements,omitempty"`
	Offerings    []Offering                       `json:"offerings"`
}

type Offering struct {
	Zone         string `json:"zone"`
	CapacityType string `json:"capacityType"`
	// Price is in US dollars an hour.
	Price               float64                          `json:"price"`
	Available           *bool                            `json:"available,omitempty"` // absent: yes
	ReservationCapacity int                              `json:"reservationCapacity,omitempty"`
	Requirements        []corev1.NodeSelectorRequirement `json:"requirements,omitempty"`
}

// inputError is what a problem can be blamed for; it travels as a panic to whoever asked.
type inputError struct{ error }

func blame(format string, a ...any) { panic(inputError{fmt.Errorf(format, a...)}) }

// read refuses fields it does not know: a misspelt one would silently change the question.
func read(raw []byte) *Problem {
	p := &Problem{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		blame("%v", err)
	}
	if len(p.NodePools) == 0 || len(p.InstanceTypes) == 0 {
		blame("needs at least one nodePool and one instanceType")
	}
	return p
}
