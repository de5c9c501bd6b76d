using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.FlowEuler;

/// <summary>Settings of <c>flow-euler</c>: its noise levels.</summary>
public sealed record FlowEulerSettings : ScheduleSettings;
