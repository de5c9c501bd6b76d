namespace LeapAlign.Pipeline;

/// <summary>Every code that a fault can carry. Codes are never reused; each has a page <c>docs/faults/LA####.md</c>.</summary>
public static partial class FaultCodes
{
    /// <summary>plugins.json is not where it was looked for.</summary>
    public const string ConfigurationNotFound = "LA1001";

    /// <summary>plugins.json is not JSON.</summary>
    public const string ConfigurationNotJson = "LA1002";

    /// <summary>A key that no part knows.</summary>
    public const string UnknownKey = "LA1003";

    /// <summary>A value of the wrong JSON type.</summary>
    public const string WrongType = "LA1004";

    /// <summary>A number outside its range.</summary>
    public const string OutOfRange = "LA1005";

    /// <summary>The same key or name twice.</summary>
    public const string Duplicate = "LA1006";

    /// <summary>A required key is absent.</summary>
    public const string MissingKey = "LA1007";

    /// <summary>A word that is not among those allowed.</summary>
    public const string UnknownValue = "LA1008";

    /// <summary>An option of the command line that cannot be applied.</summary>
    public const string BadOption = "LA1009";

    /// <summary>The device asked for is not in this machine.</summary>
    public const string DeviceNotAvailable = "LA1010";

    /// <summary>An environment variable that the settings name is not set, or does not hold what it should.</summary>
    public const string VariableNotSet = "LA1011";

    /// <summary>An environment variable of OpenTelemetry does not hold what it should, or has no effect (a warning).</summary>
    public const string VariableNotUsable = "LA1012";

    /// <summary>A graph of processes is none, or does not connect them.</summary>
    public const string BadGraph = "LA1019";

    /// <summary>A verdict is one of nothing, or of two things.</summary>
    public const string VerdictOfWhat = "LA1023";

    /// <summary>search.json says nothing to search, or bounds, keys or rewards that cannot be.</summary>
    public const string BadSearch = "LA1024";

    /// <summary>A surrogate of rewards has other weights than one for each.</summary>
    public const string SurrogateWeights = "LA1025";

    /// <summary>The members of a sweep cannot be made from its file: an axis is empty, two members are the same, a key belongs to the sweep.</summary>
    public const string BadSweep = "LA1016";

    /// <summary>No plugin offers the part that is named.</summary>
    public const string UnknownPlugin = "LA2001";

    /// <summary>A plugin folder without a valid plugin.json.</summary>
    public const string BadManifest = "LA2002";

    /// <summary>The plugin's assembly is absent or is not a .NET assembly.</summary>
    public const string BadAssembly = "LA2003";

    /// <summary>The plugin was built against another major version of the contracts.</summary>
    public const string ContractMismatch = "LA2004";

    /// <summary>An assembly that the plugin needs is neither in its folder nor in the host.</summary>
    public const string MissingDependency = "LA2005";

    /// <summary>The plugin carries its own copy of an assembly that the host shares.</summary>
    public const string CarriesSharedAssembly = "LA2006";

    /// <summary>The plugin threw in a step of its life.</summary>
    public const string PluginThrew = "LA2007";

    /// <summary>The plugin's SHA-256 differs from the one pinned in plugins.json.</summary>
    public const string PinMismatch = "LA2008";

    /// <summary>Two plugin folders offer the same part.</summary>
    public const string DuplicatePlugin = "LA2009";

    /// <summary>A plugin's load context could not be collected.</summary>
    public const string NotUnloaded = "LA2010";

    /// <summary>A part that every run needs is absent from plugins.json.</summary>
    public const string MissingPart = "LA3001";

    /// <summary>A part requires what another part does not provide.</summary>
    public const string RequirementNotMet = "LA3002";

    /// <summary>A setting of one part does not fit another part.</summary>
    public const string SettingsDoNotFit = "LA3003";

    /// <summary>One reward is trained and none is held out: nothing would show that it is being gamed.</summary>
    public const string LoneReward = "LA3004";

    /// <summary>A launcher started several processes, and plugins.json says of one.</summary>
    public const string LaunchedAlone = "LA3005";

    /// <summary>The number of processes is not what was expected, or cannot share the work of a step.</summary>
    public const string WorldSize = "LA3006";

    /// <summary>The processes of a run do not have the same configuration, builds or files.</summary>
    public const string RanksUnlike = "LA3007";

    /// <summary>A part does not say which shard its loss belongs to.</summary>
    public const string NoShard = "LA3008";

    /// <summary>The optimizer brings losses to 0, and one is below it.</summary>
    public const string NoCondition = "LA3009";
    /// <summary>No step that the optimizer tried lowers the loss of its own samples (a warning).</summary>
    public const string NoDescent = "LA3010";

    /// <summary>Evaluations are to be guided, but the algorithm trains a model that draws without guidance.</summary>
    public const string GuidanceTwice = "LA3011";
    /// <summary>A reward is made of another reward of the run that is not there, or cannot be.</summary>
    public const string NoRewardOfReward = "LA3012";

    /// <summary>Two parts measure under one name.</summary>
    public const string MeasuredTwice = "LA3013";

    /// <summary>Processes are to share the state of an optimizer that does not update each parameter by itself.</summary>
    public const string NotSeparable = "LA3014";

    /// <summary>A method takes differences of the network in its times, and the run computes in bf16.</summary>
    public const string DifferencesInBFloat16 = "LA3015";

    /// <summary>Updates are to be undone where rewards fall, and the algorithm's step cannot be asked for again.</summary>
    public const string UpdateNotRepeated = "LA3016";

    /// <summary>A reward learns from the samples of its process, and the run has several.</summary>
    public const string LearningRewardShared = "LA3017";

    /// <summary>An exact divergence is asked for in too many dimensions.</summary>
    public const string DivergenceTooLarge = "LA3020";

    /// <summary>A verdict is to have a gradient, and what it judges has none.</summary>
    public const string VerdictWithoutGradient = "LA3021";
}
