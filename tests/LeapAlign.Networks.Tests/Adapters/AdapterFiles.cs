using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>Writes small adapter files for tests and reads them.</summary>
internal sealed class AdapterFiles : IDisposable
{
    public const int Rank = 2;
    public const int In = 5;
    public const int Out = 7;
    public const string Query = "transformer_blocks.0.attn.to_q";
    public const string Value = "transformer_blocks.0.attn.to_v";
    public const string Output = "transformer_blocks.0.attn.to_out.0";

    public static readonly IReadOnlyList<AdapterSite> Sites = [.. new[] { Query, "transformer_blocks.0.attn.to_k", Value, Output, "proj_out", "norm_out.linear", "x_embedder" }
        .Select(static name => new AdapterSite(name, In, name == "norm_out.linear" ? 2 * Out : Out, SiteRole.Attention))];

    private readonly IDisposable _scope = NewDisposeScope();

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-adapters-").FullName;

    /// <summary>Numbers that differ in every place; the same for the same seed.</summary>
    public static Tensor Numbers(long rows, long columns, double seed = 1) => (arange(rows * columns, dtype: float64) * 0.7310585 + seed).sin().reshape(rows, columns).to(float32);

    public static (string Name, Tensor Value)[] Pair(string a, string b, long rank = Rank, long rows = Out) => [(a, Numbers(rank, In)), (b, Numbers(rows, rank, seed: 2))];

    public static (string Name, Tensor Value)[] Diffusers(string module, long rank = Rank) => Pair($"transformer.{module}.lora_A.weight", $"transformer.{module}.lora_B.weight", rank);

    /// <summary>The update of such a pair at a scale.</summary>
    public static Tensor Update(double scale, long rank = Rank, long rows = Out) => Numbers(rows, rank, seed: 2).to(float64).matmul(Numbers(rank, In).to(float64)) * scale;

    public string Write(string name, IEnumerable<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? header = null)
    {
        var path = Path.Combine(Folder, name);
        Recording.Require(SafetensorsWriter.Write(path, [.. tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value, tensor.Value.dtype))], header));
        return path;
    }

    public string WriteConfig(string json)
    {
        File.WriteAllText(Path.Combine(Folder, LoraConfig.FileName), json);
        return Folder;
    }

    /// <summary>Reads a file that has to be right.</summary>
    public static LoraWeights Read(string path) => Recording.Require(LoraFile.Read(path, Sites));

    /// <summary>Reads a file that has to be wrong.</summary>
    public static Fault Refused(string path, IReadOnlyList<AdapterSite>? sites = null) => LoraFile.Read(path, sites ?? Sites).Match(
        static weights =>
        {
            weights.Dispose();
            throw new InvalidOperationException("the file was read");
        },
        static fault => fault);

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
