using System.Reflection;
using LeapAlign.Adapters.Lora;
using LeapAlign.Algorithms.Direct;
using LeapAlign.Algorithms.Drafts;
using LeapAlign.Algorithms.FewSteps;
using LeapAlign.Algorithms.FlowBp;
using LeapAlign.Algorithms.Forward;
using LeapAlign.Algorithms.Grpo;
using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Algorithms.Selection;
using LeapAlign.Collectives.Mpi;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Models.Flux;
using LeapAlign.Models.Sd3;
using LeapAlign.Models.ZImage;
using LeapAlign.Objectives.Anchors;
using LeapAlign.Objectives.LocalError;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Optimizers.Constrained;
using LeapAlign.Optimizers.Descent;
using LeapAlign.Optimizers.Gram;
using LeapAlign.Optimizers.Momentum;
using LeapAlign.Optimizers.Muon;
using LeapAlign.Pipeline;
using LeapAlign.Prompts.File;
using LeapAlign.Prompts.Pictures;
using LeapAlign.Prompts.Shapes;
using LeapAlign.Rewards.Clip;
using LeapAlign.Rewards.GenevalShapes;
using LeapAlign.Rewards.ImageReward;
using LeapAlign.Rewards.JpegSize;
using LeapAlign.Rewards.LatentHead;
using LeapAlign.Rewards.Ocr;
using LeapAlign.Rewards.PreferenceHuman;
using LeapAlign.Rewards.Remote;
using LeapAlign.Rewards.Surrogate;
using LeapAlign.Rewards.Verdict;
using LeapAlign.Rewards.VlmJudge;
using LeapAlign.Samplers.Dpm;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Architecture.Tests;

/// <summary>A ring references only inner rings: pipeline ← contracts and storage ← host, and contracts and storage ← plugins.</summary>
public sealed class RingTests
{
    private static readonly Assembly[] Plugins =
    [
        typeof(Sd3Plugin).Assembly, typeof(AdamWPlugin).Assembly, typeof(LoraPlugin).Assembly, typeof(MuonPlugin).Assembly, typeof(GramPlugin).Assembly, typeof(MomentumPlugin).Assembly, typeof(ConstrainedPlugin).Assembly, typeof(DescentPlugin).Assembly, typeof(FluxPlugin).Assembly, typeof(ZImagePlugin).Assembly, typeof(AnchorsPlugin).Assembly, typeof(LocalErrorPlugin).Assembly, typeof(MpiPlugin).Assembly,
        typeof(FilePlugin).Assembly, typeof(PicturesPlugin).Assembly, typeof(ShapesPlugin).Assembly,
        typeof(ClipPlugin).Assembly, typeof(GenevalShapesPlugin).Assembly, typeof(JpegSizePlugin).Assembly, typeof(ImageRewardPlugin).Assembly, typeof(LatentHeadPlugin).Assembly, typeof(RemotePlugin).Assembly, typeof(VlmJudgePlugin).Assembly, typeof(OcrPlugin).Assembly, typeof(PreferenceHumanPlugin).Assembly, typeof(VerdictPlugin).Assembly, typeof(SurrogatePlugin).Assembly,
        typeof(FlowEulerPlugin).Assembly, typeof(FlowSdePlugin).Assembly, typeof(DpmPlugin).Assembly,
        typeof(LeapAlignPlugin).Assembly, typeof(DirectPlugin).Assembly, typeof(FlowBpPlugin).Assembly, typeof(GrpoPlugin).Assembly, typeof(ForwardPlugin).Assembly, typeof(FewStepsPlugin).Assembly, typeof(DraftsPlugin).Assembly, typeof(SelectionPlugin).Assembly,
    ];

    private static readonly string[] ForPlugins = ["LeapAlign.Pipeline", "LeapAlign.Contracts", "LeapAlign.Storage", "LeapAlign.Networks", "LeapAlign.Pipelines", "LeapAlign.Adapters", "LeapAlign.Methods", "LeapAlign.Shapes", "LeapAlign.PromptFiles", "LeapAlign.Optimization", "LeapAlign.Services"];

    [Fact]
    public void The_pipeline_knows_neither_tensors_nor_any_other_project() =>
        Assert.DoesNotContain(References(typeof(Fault).Assembly), static name => Own(name) || name == "TorchSharp");

    [Fact]
    public void Contracts_know_only_the_pipeline() =>
        Assert.Equal(["LeapAlign.Pipeline"], References(typeof(IPlugin).Assembly).Where(Own));

    [Fact]
    public void Storage_knows_only_the_pipeline() =>
        Assert.Equal(["LeapAlign.Pipeline"], References(typeof(SafetensorsFile).Assembly).Where(Own));

    [Fact]
    public void The_host_knows_no_model_reward_or_algorithm() =>
        Assert.Equal(["LeapAlign.Contracts", "LeapAlign.Pipeline", "LeapAlign.Storage"], References(Assembly.Load("leapalign")).Where(Own).Order(StringComparer.Ordinal));

    [Fact]
    public void Plugins_know_neither_the_host_nor_each_other() =>
        Assert.All(Plugins, static plugin => Assert.Empty(References(plugin).Where(Own).Except(ForPlugins)));

    [Fact]
    public void Every_bundled_plugin_is_looked_at()
    {
        var folders = Directory.GetDirectories(Path.Combine(Testing.Repository.Root, "plugins")).Where(static kind => Path.GetFileName(kind) != "shared").SelectMany(Directory.GetDirectories);
        Assert.Equal(folders.Count(static folder => File.Exists(Path.Combine(folder, "plugin.json"))), Plugins.Length);
    }

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(static name => name.Name!);

    private static bool Own(string name) => name.StartsWith("LeapAlign.", StringComparison.Ordinal) || name == "leapalign";
}
