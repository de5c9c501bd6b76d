using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Sft;

/// <summary>Settings of <c>sft</c>.</summary>
public sealed record SftSettings : SampleTimeSettings;
