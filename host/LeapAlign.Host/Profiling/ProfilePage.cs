using System.Globalization;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Schema;
using Spectre.Console;
using static TorchSharp.torch;

namespace LeapAlign.Host.Profiling;

/// <summary>What <c>profile</c> prints.</summary>
internal sealed class ProfilePage(Terminal terminal, RunPlan plan, SpanLedger ledger)
{
    private const string Host = "sampler, algorithm and host";
    private const double Megabyte = 1 << 20;

    // The classes that spans can tell apart. Kinds of tensor operations cannot be had: TorchSharp binds no profiler of libtorch.
    private static readonly Dictionary<string, string> s_classes = new(StringComparer.Ordinal)
    {
        [SpanSchema.Velocity.Name] = "network",
        [SpanLedger.WithGradient] = "network, recorded for backward",
        [SpanSchema.Backward.Name] = "backward",
        [SpanSchema.Decode.Name] = "pictures to and from latents",
        [SpanSchema.EncodePictures.Name] = "pictures to and from latents",
        [SpanSchema.Score.Name] = "rewards",
        [SpanSchema.Encode.Name] = "text encoders",
        [SpanSchema.Clip.Name] = "optimizer and weights",
        [SpanSchema.Update.Name] = "optimizer and weights",
        [SpanSchema.Refresh.Name] = "optimizer and weights",
        [SpanSchema.Average.Name] = "optimizer and weights",
        [SpanSchema.Copies.Name] = "optimizer and weights",
        [SpanSchema.ReadPictures.Name] = "files",
    };

    private readonly double _steps = ledger.Steps.Count;
    private readonly double _step = ledger.Steps.Sum(static step => step.Seconds) / ledger.Steps.Count;

    /// <summary>Prints everything; a profile that was stopped before a step counted has nothing to say.</summary>
    public void Print()
    {
        if (ledger.Steps.Count == 0)
        {
            terminal.Write("stopped before a step counted");
            return;
        }
        terminal.Write(Text($"{plan.Algorithm.Definition.Id} on {plan.Model.Definition.Id}: {_steps} steps of {plan.Run.Batch * plan.Run.Accumulation} samples after one that does not count, {plan.Run.Dtype}, {get_num_threads()} threads"));
        Stages();
        Classes();
        Evaluations();
        Memory();
    }

    private IEnumerable<KeyValuePair<string, SpanRow>> Rows => ledger.Rows.Where(static pair => pair.Key != SpanSchema.Step.Name).OrderByDescending(static pair => pair.Value.Seconds);

    private void Stages()
    {
        var table = terminal.Table("stage", "calls", "s/step", "share", "MB kept");
        foreach (var (name, row) in Rows) Row(table, name, Text($"{row.Count / _steps:0.##}"), Text($"{row.Seconds / _steps:F4}"), Share(row.Seconds / _steps), Text($"{row.Kept / _steps / Megabyte:+0.0;-0.0;0.0}"));
        var own = ledger.Rows[SpanSchema.Step.Name];
        Row(table, "outside stages", "", Text($"{own.Seconds / _steps:F4}"), Share(own.Seconds / _steps), "");
        Row(table, "step", "", Text($"{_step:F4}"), "", "");
        terminal.Console.Write(table);
    }

    private void Classes()
    {
        var table = terminal.Table("operation class", "s/step", "share");
        var classes = ledger.Rows.GroupBy(static pair => s_classes.GetValueOrDefault(pair.Key, Host), static pair => pair.Value.Seconds).Select(group => (group.Key, Seconds: group.Sum() / _steps));
        foreach (var (name, seconds) in classes.OrderByDescending(static pair => pair.Seconds)) Row(table, name, Text($"{seconds:F4}"), Share(seconds));
        terminal.Console.Write(table);
    }

    private void Evaluations()
    {
        var (all, recorded) = (ledger.Steps.Average(static step => step.Evaluations), ledger.Steps.Average(static step => step.GradientEvaluations));
        var (plain, gradient) = (One(SpanSchema.Velocity.Name, all - recorded), One(SpanLedger.WithGradient, recorded));
        var sum = plan.Run.Accumulation * ((plain * (all - recorded)) + (gradient * recorded));
        var table = terminal.Table("F-ledger", "");
        Row(table, "evaluations of a sample in a step", Text($"{all:0.##}, {recorded:0.##} of them with gradient"));
        Row(table, "seconds of one", Text($"{plain:F4} without gradient, {gradient:F4} with"));
        Row(table, "evaluations x seconds of one", Text($"{sum:F4} s, {sum / _step:P1} of the step"));
        Row(table, "step / (evaluations x seconds of one)", Text($"{_step / sum:F2}"));
        terminal.Console.Write(table);
    }

    // A span under guidance is two evaluations, one of half a batch half of one: the ledger counts evaluations.
    private double One(string name, double evaluations) =>
        ledger.Rows.TryGetValue(name, out var row) && evaluations > 0 ? row.Median * row.Count / (_steps * evaluations * plan.Run.Accumulation) : 0;

    private void Memory()
    {
        var table = terminal.Table("memory", "");
        Row(table, "resident, highest", Text($"{ProcessMemory.PeakResident / Megabyte:F0} MB"));
        if (ProcessMemory.HasNative) Row(table, "native, in use after a step", Text($"{ledger.Native / Megabyte:F0} MB"));
        if (ledger.Room is { } room) Row(table, "device, in use after a step", Text($"{room.Used / Megabyte:F0} MB of {room.Total / Megabyte:F0} MB, by all processes"));
        Row(table, "tensors alive after a step", Text($"{ledger.Tensors}"));
        Row(table, "managed, allocated in a step", Text($"{ledger.Allocated / Megabyte:F2} MB"));
        terminal.Console.Write(table);
    }

    private string Share(double seconds) => Text($"{seconds / _step:P1}");

    private static void Row(Table table, params IEnumerable<string> cells) => table.AddRow(cells.Select(Terminal.Cell));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
