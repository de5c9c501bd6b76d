using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Adapters.Files;

/// <summary>
/// Reads LoRA factors from the layouts that trainers write: diffusers (<c>transformer.MODULE.lora_A.weight</c>, the scale in the header or in <c>.alpha</c>), PEFT folders, and kohya's and
/// ComfyUI's files with the names of the original FLUX network. Every tensor of a file becomes a factor of a layer, or the file is a fault.
/// </summary>
public static class LoraFile
{
    /// <summary>The weights in a folder of diffusers.</summary>
    public const string FileName = "pytorch_lora_weights.safetensors";

    /// <summary>The weights in a PEFT folder.</summary>
    public const string PeftFileName = "adapter_model.safetensors";

    /// <summary>Reads a file.</summary>
    /// <param name="path">A safetensors file, or a folder of diffusers or PEFT.</param>
    /// <param name="sites">
    /// The layers of the model. Those whose output nothing reads (<see cref="SiteRole.Unread"/>) have factors in files of other trainers; these are checked and left out.
    /// </param>
    /// <param name="warn">Is told keys of configurations that are not known.</param>
    /// <returns>
    /// fp32 factors on the CPU by the site's name, in the order of the sites. A fault when the file is absent or damaged, is of another model, holds a tensor that is no factor of a layer, lacks one of
    /// a pair, or asks for what is not supported (<see cref="FaultCodes.UnsupportedAdapter"/>).
    /// </returns>
    public static Result<LoraWeights> Read(string path, IReadOnlyList<AdapterSite> sites, Action<Fault>? warn = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(sites);
        if (!Locate(path).TryGet(out var located, out var absent)) return absent;
        if (!SafetensorsFile.Open(located.Weights).TryGet(out var file, out var damaged)) return damaged;
        using (file)
        {
            if (!Configuration(file, located.Config, warn).TryGet(out var config, out var wrong)) return wrong;
            if (!LoraContent.Sort(file, config, new LoraLayers(sites)).TryGet(out var modules, out var other)) return other;
            var weights = new LoraWeights();
            // The order of the sites, whatever the order of the file.
            var order = sites.Select(static (site, i) => (site.Name, i)).ToDictionary(static entry => entry.Name, static entry => entry.i, StringComparer.Ordinal);
            Dictionary<string, LoraFactors> read = [];
            var fault = modules.Select(module => module.Read(file, read)).FirstOrDefault(static fault => fault is not null);
            foreach (var (name, factors) in read.OrderBy(entry => order[entry.Key])) weights.Add(name, factors);
            if (fault is null) return weights;
            weights.Dispose();
            return fault;
        }
    }

    private static Result<(string Weights, string? Config)> Locate(string path)
    {
        if (!Directory.Exists(path))
        {
            if (!File.Exists(path)) return new Fault.Input(FaultCodes.ModelNotFound, "there is no such adapter file or folder", new SourcePlace(path));
            var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, LoraConfig.FileName);
            return (path, File.Exists(beside) ? beside : null);
        }
        var (diffusers, peft, config) = (Path.Combine(path, FileName), Path.Combine(path, PeftFileName), Path.Combine(path, LoraConfig.FileName));
        return (File.Exists(diffusers), File.Exists(peft)) switch
        {
            (true, true) => new Fault.Input(FaultCodes.ModelNotFound, $"the folder has {FileName} and {PeftFileName}; name one of them", new SourcePlace(path)),
            (true, false) => (diffusers, null),
            (false, true) => (peft, config),
            _ => new Fault.Input(FaultCodes.ModelNotFound, $"the folder has neither {FileName} (diffusers) nor {PeftFileName} (PEFT); name the file if it is called otherwise", new SourcePlace(path)),
        };
    }

    // PEFT goes by its folder, diffusers by the header.
    private static Result<LoraScales> Configuration(SafetensorsFile file, string? configPath, Action<Fault>? warn)
    {
        if (file.Entries.Keys.Any(static key => LoraKey.Parse(key) is { Spelling: LoraSpelling.Peft }))
        {
            return configPath is null
                ? new Fault.Input(FaultCodes.ModelNotFound, $"{LoraConfig.FileName} is not beside the file: the scale of PEFT's factors is there", new SourcePlace(file.Location))
                : LoraConfig.Read(configPath, warn).Map(config => new LoraScales(config, configPath, null));
        }
        // diffusers would not look at the configuration, and PEFT would find no factors.
        if (configPath is not null && File.Exists(configPath) && Path.GetFileName(file.Location) == PeftFileName)
            return new Fault.Input(FaultCodes.UnsupportedAdapter, $"{LoraConfig.FileName} is beside the file, but its factors are not named as PEFT names them (base_model.model.…): whether the scale there counts is not certain; take the one away, or rename the other", new SourcePlace(file.Location));
        return LoraHeader.Read(file, warn);
    }
}
