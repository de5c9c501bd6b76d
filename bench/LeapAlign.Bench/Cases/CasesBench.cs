using System.Globalization;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A figure of a case beside what it should be.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Value">The figure.</param>
/// <param name="Bar">What it should be, in words; empty for a figure that is only told.</param>
/// <param name="Met">Whether it is.</param>
internal sealed record CaseFigure(string What, double Value, string Bar = "", bool Met = true);

/// <summary>Small published cases of optimizers and objectives, by the parts as plugins offer them.</summary>
internal static class CasesBench
{
    private static readonly Dictionary<string, Func<IEnumerable<CaseFigure>>> s_cases = new(StringComparer.Ordinal)
    {
        ["constrained-newton"] = ConstrainedNewtonCase.Run,
        ["dal"] = DalCase.Run,
        ["dcdm"] = DcdmCase.Run,
        ["density-filter"] = FilterCase.Run,
        ["diffgrad"] = DiffGradCase.Run,
        ["drift"] = DriftCase.Run,
        ["gns"] = GnsCase.Run,
        ["gradient-sliding"] = SlidingCase.Run,
        ["hard-units"] = HardUnitsCase.Run,
        ["harpg"] = HarpgCase.Run,
        ["lanton"] = LantonCase.Run,
        ["local-error"] = LocalErrorCase.Run,
        ["lv-hba"] = LvHbaCase.Run,
        ["mfac"] = MfacCase.Run,
        ["npg-igt"] = NpgIgtCase.Run,
        ["sampled-dimensions"] = SampledDimensionsCase.Run,
        ["sampled-dimensions-10000"] = ManyDimensionsCase.Run,
        ["sven"] = SvenCase.Run,
    };

    private static readonly Lazy<PluginCatalog> s_catalog = new(static () => PluginCatalog.Discover([BuiltHost.Plugins], new IsolatedPluginLoader()));

    /// <summary>Runs cases and prints a table of each.</summary>
    /// <param name="ids">Ids of parts; none runs all.</param>
    public static Result<Unit> Run(IReadOnlyList<string> ids)
    {
        if (ids.FirstOrDefault(static id => !s_cases.ContainsKey(id)) is { } unknown)
            return new Fault.Configuration(FaultCodes.BadOption, $"there is no case '{unknown}'; cases are {string.Join(", ", s_cases.Keys)}");
        NativeStart.Prepare();
        return LibTorch.Load().Map(_ =>
        {
            set_num_threads(1);
            foreach (var id in ids.Count > 0 ? ids : [.. s_cases.Keys]) Print(id);
            return Unit.Value;
        });
    }

    /// <summary>An optimizer of a plugin.</summary>
    public static IOptimizer Optimizer(string id, string settings) => Part<IOptimizer>(PartKinds.Optimizer, id, settings);

    /// <summary>An objective of a plugin.</summary>
    public static IObjective Objective(string id, string settings) => Part<IObjective>(PartKinds.Objective, id, settings);

    private static T Part<T>(string kind, string id, string settings)
    {
        var part = s_catalog.Value.Find(kind, id, new SourcePlace("bench")).Required().Part(kind, id);
        var context = new PartContext
        {
            Name = id,
            BaseFolder = Environment.CurrentDirectory,
            Device = CPU,
            ComputeType = ScalarType.Float32,
            Logger = NullLogger.Instance,
            Warn = static fault => Console.Error.WriteLine($"warning {fault}"),
        };
        return (T)part.Create(part.ReadSettings(settings), context).Required();
    }

    private static void Print(string id)
    {
        Console.WriteLine($"{id}\n| what | figure | bar | |\n|---|---|---|---|");
        foreach (var figure in s_cases[id]())
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {figure.What} | {figure.Value:G4} | {figure.Bar} | {(figure.Bar.Length == 0 ? "" : figure.Met ? "met" : "MISSED")} |"));
    }
}
