using System.Globalization;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Adapters.Files;

/// <summary>The tensors of one layer of a file, which may be several layers of the model.</summary>
internal sealed class LoraModule(LoraKey key, IReadOnlyList<AdapterSite> sites, bool halvesSwap)
{
    private static readonly ScalarType[] s_types = [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];
    private double? _alpha;
    private TrainedScale? _trained;

    public LoraSpelling Spelling => key.Spelling;

    /// <summary>The layers, in the order of the rows of B.</summary>
    public IReadOnlyList<AdapterSite> Sites => sites;

    /// <summary>The tensors' keys.</summary>
    public Dictionary<LoraPart, string> Keys { get; } = [];

    /// <summary>One of the keys.</summary>
    public string AnyKey => Keys.OrderBy(static entry => entry.Key).First().Value;

    /// <summary>Whether the factors have kohya's names.</summary>
    public bool HasKohyaParts => Keys.Values.Any(static name => name.Contains(".lora_down.", StringComparison.Ordinal) || name.Contains(".lora_up.", StringComparison.Ordinal));

    /// <summary>Compares pair, types, shapes and rank with the layers, and finds the scale.</summary>
    public Fault? Check(SafetensorsFile file, LoraScales scales)
    {
        foreach (var (part, other) in ((LoraPart, LoraPart)[])[(LoraPart.A, LoraPart.B), (LoraPart.B, LoraPart.A)])
        {
            if (!Keys.ContainsKey(part)) return Wrong(file, FaultCodes.TensorMismatch, AnyKey, Keys.TryGetValue(other, out var there)
                ? $"'{there}' has no counterpart: the other factor of '{key.Module}' is missing"
                : $"'{AnyKey}' has no factors: both of '{key.Module}' are missing");
        }
        var (a, b) = (file.Entries[Keys[LoraPart.A]], file.Entries[Keys[LoraPart.B]]);
        foreach (var name in Keys.Values)
        {
            if (!s_types.Contains(file.Entries[name].Type)) return Wrong(file, FaultCodes.TensorMismatch, name, $"tensor '{name}' holds {file.Entries[name].Type}, but has to hold one of {string.Join(", ", s_types)}");
        }
        var (inputs, outputs) = (sites[0].Inputs, sites.Sum(static site => site.Outputs));
        if (a.Shape is not [var rank, var wide] || wide != inputs || rank < 1) return WrongShape(file, Keys[LoraPart.A], a, $"[rank, {inputs}]");
        if (!b.Shape.SequenceEqual([outputs, rank])) return WrongShape(file, Keys[LoraPart.B], b, $"[{outputs}, {rank}]");
        if (rank > Math.Max(inputs, outputs)) return Wrong(file, FaultCodes.ShapeMismatch, Keys[LoraPart.A], $"'{Keys[LoraPart.A]}' has rank {rank}, more than the layer's sizes {inputs} and {outputs}");
        return FindScale(file, scales, (int)rank);
    }

    /// <summary>Reads the factors of each layer into a dictionary.</summary>
    /// <returns>A fault when the file cannot be read.</returns>
    public Fault? Read(SafetensorsFile file, Dictionary<string, LoraFactors> into)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (!Single(file, LoraPart.A).TryGet(out var a, out var fault) || !Single(file, LoraPart.B).TryGet(out var b, out fault)) return fault;
        var scaled = (int)a.shape[0];
        var alpha = _alpha ?? scaled;
        if (halvesSwap)
        {
            var half = b.shape[0] / 2;
            b = cat([b.narrow(0, half, b.shape[0] - half), b.narrow(0, 0, half)]);
        }
        if (_trained is { } trained)
        {
            // The file has the scale in B.
            b = LoraScale.TakeOut(b, trained.Alpha / trained.Rank);
            alpha = trained.Alpha;
        }
        var apart = IsBlockDiagonal(b, sites);
        var row = 0L;
        for (var i = 0; i < sites.Count; i++)
        {
            var rows = b.narrow(0, row, sites[i].Outputs);
            row += sites[i].Outputs;
            if (sites[i].Role == SiteRole.Unread) continue;
            var rank = apart ? scaled / sites.Count : scaled;
            var own = apart ? a.narrow(0, i * rank, rank) : a;
            var back = apart ? rows.narrow(1, i * rank, rank) : rows;
            into[sites[i].Name] = new LoraFactors(own.clone(), back.clone(), alpha * rank / scaled);
        }
        return null;
    }

    private Fault? FindScale(SafetensorsFile file, LoraScales scales, int rank)
    {
        var module = sites[0].Name;
        if (scales.Config is { } config)
        {
            if (Keys.TryGetValue(LoraPart.Alpha, out var alphaKey)) return Wrong(file, FaultCodes.UnsupportedAdapter, alphaKey, $"'{alphaKey}' is there, and {Path.GetFileName(scales.Location)} says alphas, too: which of them counts is not certain");
            if (config.RankOf(module) != rank) return Wrong(file, FaultCodes.ShapeMismatch, Keys[LoraPart.A], $"'{Keys[LoraPart.A]}' has rank {rank}, but {(scales.Location == file.Location ? LoraHeader.DiffusersKey : scales.Location)} says {config.RankOf(module)}");
            if (!config.Targets(module)) return Wrong(file, FaultCodes.TensorMismatch, AnyKey, $"'{AnyKey}' is there, but target_modules of {scales.Location} does not name layer '{module}', and PEFT would leave it out");
            _alpha = config.AlphaOf(module);
        }
        else if (Keys.TryGetValue(LoraPart.Alpha, out var name))
        {
            // diffusers renames such factors and loses the alpha on the way.
            if (Spelling == LoraSpelling.Diffusers && HasKohyaParts)
                return Wrong(file, FaultCodes.UnsupportedAdapter, name, $"'{name}' is there, but diffusers leaves the alpha of factors out that are named lora_down and lora_up behind 'transformer.': what they are scaled by is not certain");
            if (file.Entries[name].Shape.Aggregate(1L, static (count, size) => count * size) != 1) return Wrong(file, FaultCodes.ShapeMismatch, name, $"'{name}' is [{string.Join(", ", file.Entries[name].Shape)}], but an alpha is one number");
            if (!file.Read(name).TryGet(out var tensor, out var fault)) return fault;
            using (tensor) _alpha = tensor.to(ScalarType.Float64).item<double>();
            if (!double.IsFinite(_alpha.Value) || _alpha == 0) return Wrong(file, FaultCodes.TensorMismatch, name, string.Create(CultureInfo.InvariantCulture, $"'{name}' is {_alpha}, but an alpha is a number other than 0"));
        }
        // Somebody may have changed the rank and kept the header: then the scale stays in B. The product is the same.
        if (scales.Trained?.Of(module) is { } trained && trained.Rank == rank && (_alpha ?? rank) == rank) _trained = trained;
        return null;
    }

    private Result<Tensor> Single(SafetensorsFile file, LoraPart part) => file.Read(Keys[part]).Map(static tensor => tensor.to(ScalarType.Float32));

    // Trainers that keep q, k and v apart write them as one B with zeros beside each part's own columns.
    private static bool IsBlockDiagonal(Tensor b, IReadOnlyList<AdapterSite> sites)
    {
        var rank = b.shape[1];
        if (sites.Count == 1 || rank % sites.Count != 0) return false;
        using var scope = NewDisposeScope();
        var own = rank / sites.Count;
        var others = zeros_like(b, dtype: ScalarType.Bool);
        var row = 0L;
        for (var i = 0; i < sites.Count; i++)
        {
            others.narrow(0, row, sites[i].Outputs).fill_(true).narrow(1, i * own, own).fill_(false);
            row += sites[i].Outputs;
        }
        // Factors that are still zero belong to nobody's columns.
        return !b.masked_select(others).any().item<bool>() && b.any().item<bool>();
    }

    private static Fault WrongShape(SafetensorsFile file, string name, WeightEntry entry, string expected) =>
        Wrong(file, FaultCodes.ShapeMismatch, name, $"tensor '{name}' is [{string.Join(", ", entry.Shape)}], but this model's layer needs {expected}");

    private static Fault Wrong(SafetensorsFile file, string code, string name, string message) => new Fault.Input(code, message, new SourcePlace(file.Location, Key: name));
}
