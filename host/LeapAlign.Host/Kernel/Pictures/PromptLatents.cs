using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>Latents that come with prompts in the place of pictures, from safetensors files.</summary>
internal static class PromptLatents
{
    /// <summary>The ending of their files.</summary>
    public const string Ending = ".safetensors";

    private static readonly ScalarType[] s_types = [ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64];

    /// <summary>Checks by the headers of the files, each of which is opened once, that all latents are there and have the model's shape.</summary>
    /// <param name="prompts">Prompts, with latents, pictures or nothing.</param>
    /// <param name="latents">The model's.</param>
    /// <returns><see cref="FaultCodes.BadLatents"/> at the first row whose latents are not; nothing where there are none.</returns>
    public static Result<Unit> Check(IEnumerable<Prompt> prompts, LatentSpace latents)
    {
        var rows = prompts.SelectMany(static prompt => prompt.Latents.Zip(prompt.Pictures, static (stored, path) => (Path: path, Stored: stored))).Where(static row => row.Stored is not null);
        foreach (var file in rows.GroupBy(static row => row.Path, static row => row.Stored!, StringComparer.Ordinal))
        {
            var stored = file.ToList();
            if (Open(file.Key, stored[0]).Bind(opened =>
            {
                using (opened) return Result.All(stored.Select(one => Entry(opened, one, latents)));
            }) is { IsOk: false } failed) return failed.Map(static _ => Unit.Value);
        }
        return Unit.Value;
    }

    /// <summary>Reads latents.</summary>
    /// <param name="path">Their file.</param>
    /// <param name="stored">Which of it.</param>
    /// <param name="latents">The model's.</param>
    /// <returns>fp32 on the CPU, [C, ...]; <see cref="FaultCodes.BadLatents"/> at their row where they are absent, of another shape or precision, or not finite.</returns>
    public static Result<Tensor> Read(string path, StoredLatents stored, LatentSpace latents) => Open(path, stored).Bind(file =>
    {
        using (file)
        {
            return from name in Entry(file, stored, latents)
                   from read in Named(file.Map(name).Bind(mapped => Sample(file, mapped, stored, latents)), path, stored)
                   select read;
        }
    });

    // Of a file of many samples one is read.
    private static Result<Tensor> Sample(SafetensorsFile file, Tensor mapped, StoredLatents stored, LatentSpace latents)
    {
        using var scope = NewDisposeScope();
        using (mapped)
        {
            if (!file.CheckMapped().TryGet(out _, out var fault)) return fault;
            var one = mapped.dim() > latents.Shape.Count ? mapped[stored.Row ?? 0] : mapped;
            var read = one.to(ScalarType.Float32, copy: true);
            return read.isfinite().all().item<bool>() ? read.MoveToOuterDisposeScope() : Bad(file.Location, stored, "they are not finite");
        }
    }

    private static Result<SafetensorsFile> Open(string path, StoredLatents stored) => Named(SafetensorsFile.Open(path), path, stored);

    // What is wrong with a file is said of the row that names it.
    private static Result<T> Named<T>(Result<T> result, string path, StoredLatents stored) => result.Match(Result.Ok, fault => fault.Code == FaultCodes.BadLatents ? fault : Bad(path, stored, fault.Message));

    // The tensor's name, if it is what the row says and the model needs.
    private static Result<string> Entry(SafetensorsFile file, StoredLatents stored, LatentSpace latents)
    {
        if (stored.Tensor is null && file.Entries.Count != 1)
            return Bad(file.Location, stored, $"the file has {file.Entries.Count} tensors ({Names(file)}), and the row does not say which ('{stored.Place.Key}_tensor')");
        var name = stored.Tensor ?? file.Entries.Keys.Single();
        if (!file.Entries.TryGetValue(name, out var entry)) return Bad(file.Location, stored, $"there is no tensor '{name}'; there is {Names(file)}");
        var described = $"the tensor '{name}' is {entry.Type} [{string.Join(", ", entry.Shape)}]";
        if (!s_types.Contains(entry.Type)) return Bad(file.Location, stored, $"{described}; latents are Float32, BFloat16, Float16 or Float64");
        var isOne = entry.Shape.SequenceEqual(latents.Shape);
        if (!isOne && !entry.Shape.Skip(1).SequenceEqual(latents.Shape))
            return Bad(file.Location, stored, $"{described}; the model's latents are [{string.Join(", ", latents.Shape)}] at the picture size of this run, or [N, {string.Join(", ", latents.Shape)}]");
        return (isOne, stored.Row) switch
        {
            (true, { } row) => Bad(file.Location, stored, $"{described}, one sample, and the row says '{stored.Place.Key}_row' {row}"),
            (false, null) when entry.Shape[0] != 1 => Bad(file.Location, stored, $"{described}, {entry.Shape[0]} samples, and the row does not say which ('{stored.Place.Key}_row')"),
            (false, { } row) when row >= entry.Shape[0] => Bad(file.Location, stored, $"{described}, and the row says '{stored.Place.Key}_row' {row}; rows are counted from 0"),
            _ => name,
        };
    }

    private static string Names(SafetensorsFile file)
    {
        const int most = 5;
        var names = string.Join(", ", file.Entries.Keys.Order(StringComparer.Ordinal).Take(most).Select(static name => $"'{name}'"));
        return file.Entries.Count switch
        {
            0 => "none",
            > most => $"{names} and {file.Entries.Count - most} more",
            _ => names,
        };
    }

    private static Fault.Input Bad(string path, StoredLatents stored, string message) => new(FaultCodes.BadLatents, $"these latents of {Path.GetFileName(path)} cannot be learnt from: {message}", stored.Place);
}
